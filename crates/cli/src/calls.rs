//! `pyrometer calls`: runs a command with the call recorder in each of its Python processes, and makes
//! one report of what they leave.
//!
//! Our words are on standard error, the command's output is its own. Every process leaves one file in a
//! private directory when it ends; what is there when the command has ended is merged. Ctrl-C reaches
//! the command through the terminal, SIGTERM and SIGHUP are passed on, and the report is made in each
//! case. Exit code: 0 done, 1 the command failed or nothing was recorded, 2 usage.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyrometer_formats::Format;
use pyrometer_formats::calls::{CallReport, table, write};
use rustix::process::Signal;

use crate::arguments::Calls;
use crate::failure::Failure;
use crate::local::arguments::known_formats;
use crate::run;

/// Time between two looks at the command and the signals.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Looks between two progress lines.
const LOOKS_PER_LINE: u32 = 10;
/// Rows of the table on the terminal.
const ROWS: usize = 20;
/// Largest file of one process that is read.
const MAX_BYTES: u64 = 1 << 30;

pub(crate) fn calls(options: Calls) -> Result<(), Failure> {
    let output = options
        .output
        .as_deref()
        .map(|path| checked(path, options.format))
        .transpose()?;
    let place = tempfile::Builder::new()
        .prefix("pyrometer-calls-")
        .tempdir()
        .map_err(|error| Failure::new(format!("no temporary directory: {error}"), "set TMPDIR"))?;
    let signals = Signals::catch()
        .map_err(|error| Failure::new(format!("signals cannot be caught: {error}"), "check `ulimit`"))?;
    let mut command = start(&options, place.path())?;
    let status = wait(&mut command, &signals, place.path())
        .map_err(|error| Failure::new(format!("the command is lost: {error}"), "run it again"))?;
    let report = collect(place.path(), &options)?;
    eprint!("{}", table(&report, ROWS));
    if let Some((path, format)) = output {
        fs::write(path, write(&report, format)).map_err(|error| unwritable(path, &error))?;
        eprintln!("pyrometer: written: {}", path.display());
    }
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(
        format!("the command failed: {status}"),
        "what it did until then is in the report",
    ))
}

/// The file and its format, known to be writable before anything runs.
fn checked(path: &Path, format: Option<Format>) -> Result<(&Path, Format), Failure> {
    let format = format.or_else(|| Format::of_file(&path.to_string_lossy()));
    let format = format.ok_or_else(|| {
        Failure::usage(
            format!("no format is known by the ending of {}", path.display()),
            format!("say --format; {}", known_formats()),
        )
    })?;
    let existed = path.exists();
    let opened = fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| unwritable(path, &error))?;
    if !existed {
        // It is made again at the end; until then there is nothing in it to be taken for a result.
        let _gone = fs::remove_file(path);
    }
    Ok((path, format))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("{} cannot be written: {error}", path.display()),
        "give another file with -o",
    )
}

fn start(options: &Calls, place: &Path) -> Result<Child, Failure> {
    let mut command = run::command(&options.command)?;
    command
        .env("PYROMETER_CALLS_DIR", place)
        .env("PYROMETER_CALLS_TIMER", &options.timer)
        .env("PYROMETER_CALLS_FUNCTIONS", options.functions.join("\n"))
        .env("PYROMETER_CALLS_MAX_NODES", options.max_nodes.to_string());
    if options.c_calls {
        command.env("PYROMETER_CALLS_C", "1");
    }
    let program = Command::get_program(&command).to_owned();
    command
        .spawn()
        .map_err(|error| run::cannot_start(Path::new(&program), &error))
}

/// Signals that ask us to end: they are the command's.
struct Signals {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
    hang_up: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let flag = |signal| -> std::io::Result<Arc<AtomicBool>> {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
            Ok(flag)
        };
        Ok(Self {
            interrupt: flag(SIGINT)?,
            terminate: flag(SIGTERM)?,
            hang_up: flag(SIGHUP)?,
        })
    }

    /// Passes on what came; an interrupt from the terminal has reached the command already.
    fn pass_on(&self, command: &Child) {
        self.interrupt.store(false, Ordering::Relaxed);
        let asked = [(&self.terminate, Signal::TERM), (&self.hang_up, Signal::HUP)];
        for (flag, signal) in asked {
            if flag.swap(false, Ordering::Relaxed) {
                let pid = rustix::process::Pid::from_child(command);
                // It fails only for a process that has ended.
                let _ended = rustix::process::kill_process(pid, signal);
            }
        }
    }
}

/// Waits for the command, and shows how it goes.
fn wait(command: &mut Child, signals: &Signals, place: &Path) -> std::io::Result<ExitStatus> {
    let started = Instant::now();
    let mut terminal = std::io::stderr();
    let is_shown = terminal.is_terminal();
    let mut looks = 0_u32;
    let mut shown = false;
    loop {
        if let Some(status) = command.try_wait()? {
            if shown {
                let _unseen = write!(terminal, "\r\x1b[K");
            }
            return Ok(status);
        }
        signals.pass_on(command);
        std::thread::sleep(LOOK_EVERY);
        looks = looks.wrapping_add(1);
        if is_shown && looks.is_multiple_of(LOOKS_PER_LINE) {
            let processes = fs::read_dir(place).map_or(0, Iterator::count);
            let seconds = started.elapsed().as_secs();
            let _unseen = write!(
                terminal,
                "\r\x1b[Kpyrometer: recording calls, {seconds} s, {processes} processes"
            );
            shown = true;
        }
    }
}

/// One report of the files that the processes left.
fn collect(place: &Path, options: &Calls) -> Result<CallReport, Failure> {
    let mut report = CallReport {
        title: options
            .command
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" "),
        ..CallReport::default()
    };
    let mut files: Vec<PathBuf> = fs::read_dir(place)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let (mut left, mut lost) = (0_u32, 0_u32);
    for file in &files {
        let size = fs::metadata(file).map_or(0, |about| about.len());
        let found = (1..=MAX_BYTES)
            .contains(&size)
            .then(|| fs::read(file).ok())
            .flatten()
            .and_then(|bytes| CallReport::from_parts(&bytes).ok());
        match found {
            Some(found) => {
                report.add(found);
                left += 1;
            }
            None => lost += 1,
        }
    }
    if lost > 0 {
        eprintln!(
            "pyrometer: {lost} of {} processes left nothing: they still run, or were killed",
            left + lost
        );
    }
    if left == 0 {
        return Err(Failure::new(
            "nothing was recorded",
            "the command must start a CPython 3.9 to 3.15 that heeds its environment (no -I, -E or -S)",
        ));
    }
    Ok(report)
}
