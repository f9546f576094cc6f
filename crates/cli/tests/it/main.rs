//! The local tools as users run them, against real interpreters.

mod bad_input;
mod dump;
mod record;
mod top;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pyrometer_testkit::python::{Python, Running};

/// Releases that can be read.
const RELEASES: [&str; 7] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"];
/// Those of which one is enough.
const USUAL: [&str; 3] = ["3.11", "3.12", "3.13"];

/// A script of `tests/targets`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/targets")
        .join(name)
}

fn pyrometer() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pyrometer"))
}

fn python() -> Python {
    Python::find_all(&USUAL)
        .pop()
        .expect("one Python that can be read")
}

/// The threads script, running.
fn threads() -> Running {
    python().run::<&str>(&script("threads.py"), &[]).unwrap()
}

/// Exit code, standard output, standard error.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    said(&pyrometer().args(arguments).output().unwrap())
}
