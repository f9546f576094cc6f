//! Figures and choices as lines of text, as many and as wide as the terminal takes.

use super::figures::{Figures, FunctionRow, ThreadRow};
use super::state::{KEYS, Order, State};
use crate::local::text::{clean, tail};

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Bold,
    Dim,
    Head,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) look: Look,
}

fn line(text: impl Into<String>, look: Look) -> Line {
    Line {
        text: text.into(),
        look,
    }
}

/// A whole screen.
pub(super) fn lines(
    figures: &Figures,
    state: &State,
    heading: &str,
    columns: usize,
    rows: usize,
) -> Vec<Line> {
    let mut lines = if state.shows_help {
        help(heading)
    } else {
        table(figures, state, heading, columns, rows.saturating_sub(4))
    };
    lines.truncate(rows.saturating_sub(1));
    while lines.len() + 1 < rows {
        lines.push(line("", Look::Plain));
    }
    lines.push(foot(state));
    for one in &mut lines {
        one.text = one.text.chars().take(columns).collect();
    }
    lines
}

fn help(heading: &str) -> Vec<Line> {
    let keys = KEYS
        .iter()
        .map(|(key, what)| line(format!("  {key:<7}{what}"), Look::Plain));
    let explained =
        "Shares are of one core (CPU) or of one thread (wall): 100 % is one that is busy all the time.";
    [line(clean(heading), Look::Bold), line("", Look::Plain)]
        .into_iter()
        .chain(keys)
        .chain([line("", Look::Plain), line(explained, Look::Dim)])
        .collect()
}

fn foot(state: &State) -> Line {
    if state.is_typing {
        return line(format!("filter: {}_", clean(&state.filter)), Look::Bold);
    }
    let mut text = String::from("? help  q quit  1-4 sort  / filter  w wall  t threads  space pause");
    if state.is_paused {
        text = format!("PAUSED  {text}");
    }
    if !state.filter.is_empty() {
        text = format!("filter: {}  {text}", clean(&state.filter));
    }
    line(text, Look::Dim)
}

/// Heading, column heads and up to `most` rows.
pub(super) fn table(
    figures: &Figures,
    state: &State,
    heading: &str,
    columns: usize,
    most: usize,
) -> Vec<Line> {
    let measure = if state.shows_wall { "wall" } else { "CPU" };
    let mut lines = vec![
        line(clean(heading), Look::Bold),
        line(
            format!(
                "{measure} time of the last {:.0} s, and of all {:.0} s",
                figures.recent.as_secs_f64(),
                figures.elapsed.as_secs_f64()
            ),
            Look::Dim,
        ),
    ];
    if state.shows_threads {
        lines.push(line("  recent      all  state    thread", Look::Head));
        lines.extend(
            thread_rows(figures, state)
                .into_iter()
                .skip(state.scrolled)
                .take(most),
        );
    } else {
        lines.push(line(
            "    self    total  self all  total all  function",
            Look::Head,
        ));
        lines.extend(
            function_rows(figures, state, columns)
                .into_iter()
                .skip(state.scrolled)
                .take(most),
        );
    }
    lines
}

fn function_rows(figures: &Figures, state: &State, columns: usize) -> Vec<Line> {
    let measure = usize::from(state.shows_wall);
    let wanted = state.filter.to_lowercase();
    let fits = |row: &&FunctionRow| {
        row.name.to_lowercase().contains(&wanted) || row.place.to_lowercase().contains(&wanted)
    };
    let mut rows: Vec<&FunctionRow> = figures.functions.iter().filter(fits).collect();
    let key = |row: &FunctionRow| match state.order {
        Order::RecentSelf => (row.recent[measure].self_ns, row.recent[measure].total_ns),
        Order::RecentTotal => (row.recent[measure].total_ns, row.recent[measure].self_ns),
        Order::OverallSelf => (row.overall[measure].self_ns, row.overall[measure].total_ns),
        Order::OverallTotal => (row.overall[measure].total_ns, row.overall[measure].self_ns),
        Order::Name => (0, 0),
    };
    rows.sort_by(|one, other| key(other).cmp(&key(one)).then_with(|| one.name.cmp(&other.name)));
    rows.into_iter()
        .filter(|row| row.overall[measure].total_ns > 0)
        .map(|row| {
            let (recent, overall) = (row.recent[measure], row.overall[measure]);
            let name = clean(&row.name);
            let room = columns.saturating_sub(46 + name.chars().count()).max(12);
            let text = format!(
                "{} {} {} {}   {name}  {}",
                share(recent.self_ns, figures.recent.as_secs_f64()),
                share(recent.total_ns, figures.recent.as_secs_f64()),
                seconds(overall.self_ns, 9),
                seconds(overall.total_ns, 10),
                tail(&clean(&row.place), room),
            );
            line(
                text,
                if recent.total_ns > 0 {
                    Look::Plain
                } else {
                    Look::Dim
                },
            )
        })
        .collect()
}

fn thread_rows(figures: &Figures, state: &State) -> Vec<Line> {
    let of = |row: &ThreadRow| {
        if state.shows_wall {
            (row.recent.wall_ns, row.overall.wall_ns)
        } else {
            (row.recent.cpu_ns, row.overall.cpu_ns)
        }
    };
    let wanted = state.filter.to_lowercase();
    let fits = |row: &&ThreadRow| !row.has_ended && row.title.to_lowercase().contains(&wanted);
    let mut rows: Vec<&ThreadRow> = figures.threads.iter().filter(fits).collect();
    match state.order {
        Order::RecentSelf | Order::RecentTotal => rows.sort_by_key(|row| std::cmp::Reverse(of(row))),
        Order::OverallSelf | Order::OverallTotal => rows.sort_by_key(|row| std::cmp::Reverse(of(row).1)),
        Order::Name => rows.sort_by(|one, other| one.title.cmp(&other.title)),
    }
    let lines = rows.into_iter().map(|row| {
        let (recent, overall) = of(row);
        let word = if row.is_executing { "running" } else { "waiting" };
        let text = format!(
            "{} {}  {word:<8} {}",
            share(recent, figures.recent.as_secs_f64()),
            seconds(overall, 8),
            clean(&row.title)
        );
        line(text, if row.is_executing { Look::Plain } else { Look::Dim })
    });
    lines.collect()
}

fn share(nanoseconds: u64, seconds: f64) -> String {
    format!("{:>6.1} %", 100.0 * nanoseconds as f64 / 1e9 / seconds.max(0.001))
}

fn seconds(nanoseconds: u64, width: usize) -> String {
    format!("{:>width$}", format!("{:.2} s", nanoseconds as f64 / 1e9))
}
