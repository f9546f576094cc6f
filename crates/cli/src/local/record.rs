//! `pyrometer record`: samples a process, or a command that it starts, and writes one file.
//!
//! Our words are on standard error, the command's output is its own. The recording ends with the
//! process, after `--duration`, or at Ctrl-C, and is written in each case; a command goes on beyond
//! `--duration`, and we wait for it. Exit code: 0 written, 1 the command failed or could not be read.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use pyrometer_agent::outside::{Children, Counted, Observations, Timeline};
use pyrometer_formats::{Format, Recording};
use pyrometer_model::ProfileType;

use super::arguments::{Record, known_formats};
use super::failures;
use super::session::{Outcome, Session, Signals};
use super::subject::{Output, Subject};
use crate::failure::Failure;

/// Time between two looks at the command, the signals and the clock.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Looks between two progress lines.
const LOOKS_PER_LINE: u32 = 6;
/// A command that ends sooner may not have come to run Python at all.
const TOO_SHORT: Duration = Duration::from_secs(1);

pub(crate) fn record(record: Record) -> Result<(), Failure> {
    let format = chosen_format(&record)?;
    let named = record.output.clone().map(Sink::open).transpose()?;
    let children = if record.children {
        Children::Followed
    } else {
        Children::Left
    };
    let no_threads =
        |error: io::Error| Failure::new(format!("no thread to sample with: {error}"), "check `ulimit -u`");
    let signals = Signals::catch().map_err(no_threads)?;
    let (mut subject, observer) = Subject::begin(&record.of, record.rate, children, Output::Kept)?;
    let sink = match named {
        Some(sink) => sink,
        None => Sink::open(default_output(&subject, format))?,
    };
    let observations = Observations::new(
        &subject.name,
        1_000_000_000 / u64::from(record.rate),
        Timeline::Kept,
        if record.gil {
            Counted::GilHolders
        } else {
            Counted::All
        },
    );
    let session = Session::start(observer, observations).map_err(no_threads)?;
    let watched = watch(
        &session,
        &mut subject,
        &signals,
        record.duration.map(Duration::from_secs_f64),
    );
    let outcome = session.stop();
    let empty = explain_nothing(&subject, &outcome, &watched)?;
    let summary = summary_of(&outcome);
    let has_failed = outcome.has_failed;
    let profile_type = if record.wall || record.gil {
        ProfileType::Wall
    } else {
        ProfileType::Cpu
    };
    let recording = outcome.into_recording();
    let written = sink.write(&format.write(&recording, profile_type))?;
    eprintln!("pyrometer: {summary}: {written}");
    if let Some(note) = empty.or_else(|| note_on(&recording, profile_type)) {
        eprintln!("pyrometer: {note}");
    }
    command_result(&mut subject, &signals, watched)?;
    if has_failed {
        let hint = "what was seen until then is written; the lines above are worth a report";
        return Err(Failure::new("the sampler failed", hint));
    }
    Ok(())
}

fn chosen_format(record: &Record) -> Result<Format, Failure> {
    let Some(file) = record.output.as_ref().filter(|_| record.format.is_none()) else {
        return Ok(record.format.unwrap_or_default());
    };
    let name = file.to_string_lossy();
    Format::of_file(&name).ok_or_else(|| {
        let hint = format!("say --format; {}", known_formats());
        Failure::usage(format!("no format is known by the ending of {name}"), hint)
    })
}

fn default_output(subject: &Subject, format: Format) -> PathBuf {
    let safe: String = subject
        .name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{safe}-{}{}", subject.pid, format.ending()).into()
}

/// How watching ended.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// How the command ended, if it has.
    status: Option<ExitStatus>,
    was_interrupted: bool,
}

/// Waits for the end of the recording, and shows how it goes.
fn watch(session: &Session, subject: &mut Subject, signals: &Signals, duration: Option<Duration>) -> Watched {
    let shows = io::stderr().is_terminal();
    let mut watched = Watched::default();
    let mut looks = 0;
    loop {
        std::thread::sleep(LOOK_EVERY);
        looks += 1;
        if shows && looks % LOOKS_PER_LINE == 0 {
            eprint!("\r\x1b[K{}  Ctrl-C ends", progress_of(session));
        }
        let terminated = signals.take_terminated();
        if terminated {
            subject.terminate();
        }
        watched.status = subject.ended();
        let interrupts = signals.interrupts() + usize::from(terminated && !subject.is_command());
        watched.was_interrupted |= interrupts > 0 || terminated;
        // A command gets Ctrl-C too, and its end is worth seeing; who insists need not wait for it.
        let is_enough = interrupts > usize::from(subject.is_command());
        let is_done = watched.status.is_some() || session.is_over() && !subject.is_command();
        if is_done || is_enough || duration.is_some_and(|duration| session.elapsed() >= duration) {
            break;
        }
    }
    if shows {
        eprint!("\r\x1b[K");
    }
    watched
}

fn progress_of(session: &Session) -> String {
    let observations = session.observations();
    let counters = observations.counters;
    let threads = observations
        .threads()
        .iter()
        .filter(|thread| !thread.has_ended)
        .count();
    drop(observations);
    let mut line = format!(
        "{:.0} s  {} samples  {}  {}  {} errors",
        session.elapsed().as_secs_f64(),
        counters.samples,
        plural(session.processes(), "process", "processes"),
        plural(threads, "thread", "threads"),
        counters.torn,
    );
    if counters.overruns * 10 > counters.ticks {
        line.push_str("  late: lower --rate");
    }
    line
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn summary_of(outcome: &Outcome) -> String {
    let counters = outcome.observations.counters;
    let threads = &outcome.observations.recording().threads;
    let mut pids: Vec<u32> = threads.iter().map(|thread| thread.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let mut text = format!(
        "{:.1} s, {} samples of {} in {}",
        outcome.lasted.as_secs_f64(),
        counters.samples,
        plural(threads.len(), "thread", "threads"),
        plural(pids.len(), "process", "processes"),
    );
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    };
    add(counters.torn, "unreadable");
    add(counters.overruns, "late ticks");
    add(counters.unread, "processes ended unread");
    text
}

/// Where nothing was seen: why. An error, or a note if the command was merely too short.
fn explain_nothing(
    subject: &Subject,
    outcome: &Outcome,
    watched: &Watched,
) -> Result<Option<String>, Failure> {
    if outcome.observations.counters.samples > 0 {
        return Ok(None);
    }
    match &outcome.error {
        Some(error) => Err(failures::of_attaching(subject.pid, error)),
        None if watched.was_interrupted || !subject.is_command() || outcome.lasted < TOO_SHORT => Ok(Some(
            "it ended before its first sample: the recording is empty".to_owned(),
        )),
        None => Err(Failure::new(
            format!("{} ran no Python that could be read", subject.name),
            "--children follows the Python processes that a command starts",
        )),
    }
}

fn note_on(recording: &Recording, profile_type: ProfileType) -> Option<String> {
    let idle = profile_type == ProfileType::Cpu && recording.total(ProfileType::Cpu) == 0;
    idle.then(|| "no CPU time was used; --wall shows where it waited".to_owned())
}

/// Waits for a command that still runs, and says how it ended.
fn command_result(subject: &mut Subject, signals: &Signals, watched: Watched) -> Result<(), Failure> {
    if !subject.is_command() {
        return Ok(());
    }
    let mut watched = watched;
    if watched.status.is_none() && !watched.was_interrupted {
        eprintln!("pyrometer: the command goes on; Ctrl-C ends it");
    }
    while watched.status.is_none() && signals.interrupts() < 2 {
        std::thread::sleep(LOOK_EVERY);
        if signals.take_terminated() {
            subject.terminate();
            watched.was_interrupted = true;
        }
        watched.was_interrupted |= signals.interrupts() > 0;
        watched.status = subject.ended();
    }
    match watched.status {
        Some(status) if !status.success() && !watched.was_interrupted => Err(Failure::new(
            format!("the command failed: {status}"),
            "the recording was written all the same",
        )),
        _ => Ok(()),
    }
}

/// The file to write, tried before the recording begins.
struct Sink {
    path: PathBuf,
    file: Option<File>,
    is_new: bool,
}

impl Sink {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self {
                path,
                file: None,
                is_new: false,
            });
        }
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(|error| {
            Failure::usage(
                format!("{} cannot be written: {error}", path.display()),
                "choose another file with --output",
            )
        })?;
        Ok(Self {
            path,
            file: Some(file),
            is_new,
        })
    }

    /// Writes everything; returns where it is.
    fn write(mut self, bytes: &[u8]) -> Result<String, Failure> {
        let shown = self.path.display().to_string();
        self.is_new = false;
        let done = match &mut self.file {
            None => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
            // A pipe or a device has no length to set.
            Some(file) => {
                let _no_length = file.set_len(0);
                file.write_all(bytes)
            }
        };
        match done {
            Ok(()) if self.file.is_none() => Ok("standard output".to_owned()),
            Ok(()) => Ok(shown),
            Err(error) => Err(Failure::new(
                format!("{shown} could not be written: {error}"),
                "is the disk full?",
            )),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.is_new {
            // Nothing was recorded: no empty file of ours stays.
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}
