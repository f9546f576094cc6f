//! A report of calls as text: the costliest functions, and how it was measured.

use std::fmt::Write;

use pyrometer_model::CallProfile;

use super::CallReport;

/// Widest name and place, in characters; longer ones lose their begin.
const MAX_NAME: usize = 100;

/// The `rows` functions with the largest self value, then the timer and what was taken out.
#[must_use]
pub fn table(report: &CallReport, rows: usize) -> String {
    let merged = report.merged().sorted();
    let whole = merged.totals()[0].max(1);
    let (scale, unit) = match report.timer.unit.as_str() {
        "nanoseconds" => (1e6, "ms"),
        _ => (1.0, "count"),
    };
    let mut text = format!(
        "{:>12} {:>12} {:>6} {:>12} {:>7}  function\n",
        "calls",
        format!("self {unit}"),
        "self%",
        format!("total {unit}"),
        "total%"
    );
    let mut functions: Vec<(usize, Sums)> = by_function(&merged).into_iter().enumerate().collect();
    functions.retain(|(_, sums)| sums.calls > 0 || sums.own > 0);
    functions.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.own));
    let share = |value: u64| 100.0 * value as f64 / whole as f64;
    for (number, sums) in functions.iter().take(rows) {
        let function = &merged.functions()[*number];
        let place = match function.file.as_str() {
            "" => String::new(),
            file => format!("  {}:{}", clean(file), function.line),
        };
        writeln!(
            text,
            "{:>12} {:>12.3} {:>6.1} {:>12.3} {:>7.1}  {}{place}",
            sums.calls,
            sums.own as f64 / scale,
            share(sums.own),
            sums.total as f64 / scale,
            share(sums.total),
            clean(&function.name),
        )
        .expect("writing to a string");
    }
    if functions.len() > rows {
        writeln!(text, "{:>12} more functions", functions.len() - rows).expect("writing to a string");
    }
    text.push_str(&remarks(report, &merged));
    text
}

/// Which timer ran, what the recorder's own cost was, and what needed care.
fn remarks(report: &CallReport, merged: &CallProfile) -> String {
    let timer = &report.timer;
    let mut text = format!("timer: {} ({})", timer.used, timer.means);
    if !timer.why.is_empty() {
        write!(text, ", since {}", clean(&timer.why)).expect("writing to a string");
    }
    text.push('\n');
    let counts = || merged.nodes().iter().map(|node| node.counts);
    let raw: u64 = counts().map(|counts| counts.raw_self).sum();
    let resumes: u64 = counts().map(|counts| counts.resumes).sum();
    let corrected = merged.totals()[0];
    let per_call = timer.call.0 + timer.call.1;
    if per_call > 0.0 {
        let taken = raw.saturating_sub(corrected) as f64;
        writeln!(
            text,
            "{} calls, {resumes} resumptions. Own cost, {per_call:.0} per call, is taken out: {:.1} % of what \
             was measured, uncertain by {:.1} % of what is left",
            merged.total_calls(),
            100.0 * taken / raw.max(1) as f64,
            100.0 * timer.spread * taken / corrected.max(1) as f64,
        )
        .expect("writing to a string");
    }
    if report.irregular.folded > 0 {
        writeln!(
            text,
            "{} calls are folded into (other): the tree was full; see --max-nodes",
            report.irregular.folded
        )
        .expect("writing to a string");
    }
    text
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    calls: u64,
    own: u64,
    /// A recursive function's total counts each value once.
    total: u64,
}

/// Sums by function of a profile in pre-order.
fn by_function(sorted: &CallProfile) -> Vec<Sums> {
    let totals = sorted.totals();
    let mut sums = vec![Sums::default(); sorted.functions().len()];
    let mut open = vec![0_u32; sums.len()];
    let mut path: Vec<u32> = Vec::new();
    for (index, node) in sorted.nodes().iter().enumerate() {
        while path.last().is_some_and(|&top| top != node.parent) {
            let left = path.pop().expect("path is not empty");
            open[sorted.nodes()[left as usize].function.0 as usize] -= 1;
        }
        let function = node.function.0 as usize;
        let own = &mut sums[function];
        own.calls += node.counts.calls;
        own.own += node.counts.self_value;
        if open[function] == 0 {
            own.total += totals[index];
        }
        open[function] += 1;
        path.push(index as u32);
    }
    sums
}

/// Names are untrusted text: nothing that a terminal would act on, and not endless.
fn clean(text: &str) -> String {
    let harmless = |c: char| {
        if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    let length = text.chars().count();
    let clean = text.chars().map(harmless);
    if length <= MAX_NAME {
        return clean.collect();
    }
    ['…']
        .into_iter()
        .chain(clean.skip(length + 1 - MAX_NAME))
        .collect()
}
