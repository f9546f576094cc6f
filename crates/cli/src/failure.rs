//! What the command says when it cannot do what was asked: one line, and a hint.

/// A problem in one line, and what can be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
    pub(crate) exit_code: u8,
}

impl Failure {
    /// The command or the target failed.
    pub(crate) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            ..Self::usage(problem, hint)
        }
    }

    /// What was asked for makes no sense.
    pub(crate) fn usage(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: Some(hint.into()),
            exit_code: 2,
        }
    }

    /// What the parser of arguments says, in our form: its first paragraph, and its tip.
    pub(crate) fn of_arguments(error: &clap::Error) -> Self {
        let text = error.to_string();
        let paragraph = text.lines().take_while(|line| !line.is_empty());
        let problem = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
        let problem = problem.strip_prefix("error: ").unwrap_or(&problem);
        let (problem, advice) = problem.split_once("; hint: ").unwrap_or((problem, ""));
        let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
        let hint = match (advice, tip, usage) {
            ("", Some(tip), _) => tip.to_owned(),
            ("", None, Some(usage)) => usage.to_owned(),
            ("", None, None) => "--help shows what there is".to_owned(),
            (advice, ..) => advice.to_owned(),
        };
        Self::usage(problem, hint)
    }
}
