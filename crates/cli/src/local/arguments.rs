//! The options of the local tools.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use pyrometer_formats::Format;

/// Fewest and most ticks per second.
const RATES: std::ops::RangeInclusive<u32> = 1..=1000;

/// What is read: one of the two is given.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// Id of a running process
    #[arg(value_name = "PID", value_parser = pid, required_unless_present = "command", conflicts_with = "command")]
    pub(crate) pid: Option<i32>,
    /// A command to start, with its arguments
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Options of `record`.
#[derive(Debug, Args)]
#[command(
    override_usage = "pyrometer record [OPTIONS] (PID | -- CMD...)",
    after_help = "Examples:
  pyrometer record -- python app.py                       app.py-4711.html, an interactive page
  pyrometer record -d 30 -o shop.svg 4711                 30 seconds of a running process
  pyrometer record --children -o all.pb.gz -- gunicorn -w 4 shop.wsgi
  pyrometer record --wall -o wait.collapsed 4711          where it waits, too

The format follows the file's ending. Reading a process needs the right to ptrace it: it is yours and
the system allows that, or you are root. The process is neither stopped nor changed."
)]
pub(crate) struct Record {
    /// Seconds to record [default: until the process ends, or Ctrl-C]
    #[arg(short, long, value_name = "SECS", value_parser = seconds)]
    pub(crate) duration: Option<f64>,
    /// Mean samples per second of each thread, 1 to 1000
    #[arg(short, long, value_name = "HZ", default_value_t = 100, value_parser = rate)]
    pub(crate) rate: u32,
    /// File to write; - for standard output [default: NAME-PID and the format's ending]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Format [default: by the file's ending, else html]
    #[arg(short, long, value_name = "FORMAT", value_parser = format)]
    pub(crate) format: Option<Format>,
    /// Follow child processes too, those that come as well
    #[arg(long)]
    pub(crate) children: bool,
    /// Show CPU time in formats that hold one value per stack (the default)
    #[arg(long, conflicts_with_all = ["wall", "gil"])]
    pub(crate) cpu: bool,
    /// Show wall time in formats that hold one value per stack: waiting counts
    #[arg(long)]
    pub(crate) wall: bool,
    /// Count only the time in which a thread holds the GIL
    #[arg(long, conflicts_with = "wall")]
    pub(crate) gil: bool,
    #[command(flatten)]
    pub(crate) of: Of,
}

/// Options of `top`.
#[derive(Debug, Args)]
#[command(
    override_usage = "pyrometer top [OPTIONS] (PID | -- CMD...)",
    after_help = "Examples:
  pyrometer top 4711
  pyrometer top --children -- gunicorn -w 4 shop.wsgi
  pyrometer top -d 10 4711 | cat                          plain tables, one a second

Keys: ? shows them. A command that top started shows no output and ends with it."
)]
pub(crate) struct Top {
    /// Seconds to run [default: until the process ends, or q]
    #[arg(short, long, value_name = "SECS", value_parser = seconds)]
    pub(crate) duration: Option<f64>,
    /// Mean samples per second of each thread, 1 to 1000
    #[arg(short, long, value_name = "HZ", default_value_t = 100, value_parser = rate)]
    pub(crate) rate: u32,
    /// Follow child processes too, those that come as well
    #[arg(long)]
    pub(crate) children: bool,
    /// Begin with wall time: waiting counts
    #[arg(long)]
    pub(crate) wall: bool,
    #[command(flatten)]
    pub(crate) of: Of,
}

/// Options of `dump`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  pyrometer dump 4711
  pyrometer dump --json 4711 | jq '.threads[].frames[0]'

The process goes on meanwhile: each stack is of its own instant.")]
pub(crate) struct Dump {
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Id of a running process
    #[arg(value_name = "PID", value_parser = pid)]
    pub(crate) pid: i32,
}

/// Options of `attach`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  pyrometer attach 4711

From Python 3.14 on, by the interpreter's own protocol. The agent starts when the main thread next runs
Python. Older releases: `pyrometer record PID` reads them from outside.")]
pub(crate) struct Attach {
    /// Id of a running process
    #[arg(value_name = "PID", value_parser = pid)]
    pub(crate) pid: i32,
}

/// Errors of these parsers bring their own hint, behind a mark that [`crate::failure`] knows.
fn with_hint(problem: &str, hint: &str) -> String {
    format!("{problem}; hint: {hint}")
}

fn pid(text: &str) -> Result<i32, String> {
    let pid = text.parse().ok().filter(|&pid: &i32| pid > 0);
    pid.ok_or_else(|| {
        with_hint(
            "not a process id",
            &format!("to start a command write `-- {text}`"),
        )
    })
}

fn rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().filter(|rate| RATES.contains(rate));
    rate.ok_or_else(|| {
        let hint = "100 is right for most; 1000 shows short calls, at ten times the cost";
        with_hint("a rate is a whole number from 1 to 1000", hint)
    })
}

fn seconds(text: &str) -> Result<f64, String> {
    const MOST: f64 = 86_400.0 * 7.0;
    let seconds = text
        .parse()
        .ok()
        .filter(|&seconds: &f64| seconds > 0.0 && seconds <= MOST);
    seconds.ok_or_else(|| {
        with_hint(
            "a duration is a number of seconds above 0, a week at most",
            "leave it out to record until Ctrl-C",
        )
    })
}

pub(crate) fn format(text: &str) -> Result<Format, String> {
    Format::of_name(text).ok_or_else(|| with_hint("unknown format", &known_formats()))
}

pub(crate) fn known_formats() -> String {
    format!("known are {}", Format::names().collect::<Vec<_>>().join(", "))
}
