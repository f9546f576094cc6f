//! Reads collapsed stacks, as profilers write them, for tests that hold shares against a truth.

/// Collapsed stacks, `stack value` a line: the frames of each, root first, and its value.
///
/// # Panics
/// On any other line: a test that reads it has failed.
#[must_use]
pub fn parse(text: &str) -> Vec<(Vec<String>, u64)> {
    let lines = text.lines().map(|line| line.rsplit_once(' ').unwrap());
    lines
        .map(|(stack, value)| {
            (
                stack.split(';').map(str::to_owned).collect(),
                value.parse().unwrap(),
            )
        })
        .collect()
}

/// Share of the values, 0 to 1, whose stack has this function.
#[must_use]
pub fn share(stacks: &[(Vec<String>, u64)], name: &str) -> f64 {
    let has = |stack: &[String]| stack.iter().any(|frame| frame == name);
    let sum: u64 = stacks
        .iter()
        .filter(|(stack, _)| has(stack))
        .map(|(_, value)| value)
        .sum();
    sum as f64 / stacks.iter().map(|(_, value)| value).sum::<u64>() as f64
}
