//! The process that a local tool reads: a running one, or a command that it starts.
//!
//! A started command keeps our terminal, standard input and output. It is never killed: Ctrl-C
//! reaches it through the terminal, SIGTERM is passed on.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use pyrometer_agent::outside::{self, Children, Observer};
use pyrometer_unwind::Pid;
use rustix::process::Signal;

use super::arguments::Of;
use super::failures;
use crate::failure::Failure;

pub(super) struct Subject {
    pub(super) pid: Pid,
    pub(super) name: String,
    command: Option<Child>,
}

impl Subject {
    /// Finds or starts the process, and reads it from now on. A command whose screen is ours
    /// (`top`) has no output.
    pub(super) fn begin(
        of: &Of,
        rate_hz: u32,
        children: Children,
        output: Output,
    ) -> Result<(Self, Observer), Failure> {
        let rate_hz = f64::from(rate_hz);
        if let Some(pid) = of.pid.map(Pid) {
            let observer = Observer::attach(pid, rate_hz, children)
                .map_err(|error| failures::of_attaching(pid, &error))?;
            let name = outside::process_name(pid);
            return Ok((
                Self {
                    pid,
                    name,
                    command: None,
                },
                observer,
            ));
        }
        let command = start(&of.command, output)?;
        let pid = Pid(command.id().cast_signed());
        let observer = Observer::follow(pid, rate_hz, children);
        let name = name_of(&of.command);
        Ok((
            Self {
                pid,
                name,
                command: Some(command),
            },
            observer,
        ))
    }

    /// How the command ended, if there is one and it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.command.as_mut()?.try_wait().ok().flatten()
    }

    pub(super) fn is_command(&self) -> bool {
        self.command.is_some()
    }

    /// Asks the command to end.
    pub(super) fn terminate(&self) {
        if self.is_command() {
            let pid = rustix::process::Pid::from_raw(self.pid.0);
            // It fails only for a process that has ended.
            let _ended = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
        }
    }
}

/// Where a command's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Kept,
    Discarded,
}

fn start(words: &[OsString], output: Output) -> Result<Child, Failure> {
    let (program, arguments) = words.split_first().expect("clap requires a command");
    let mut command = Command::new(program);
    command.args(arguments);
    if output == Output::Discarded {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    }
    command.spawn().map_err(|error| {
        let shown = Path::new(program).display();
        Failure::new(
            format!("{shown} cannot be started: {error}"),
            "give the path of a program that may be executed",
        )
    })
}

/// The script that a command runs, else the program.
fn name_of(words: &[OsString]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    outside::name_of_command(&words)
}
