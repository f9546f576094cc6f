//! Integration tests: real interpreters, read from outside, held against what they say themselves.

mod alternating;
mod damaged;
mod image;
mod lines;
mod own;
mod parked;
mod threads;

use pyrometer_testkit::python::{Python, Running};
use pyrometer_unwind::{OtherProcess, Pid, Target};
use std::path::{Path, PathBuf};

/// Releases that the crate supports.
const RELEASES: [&str; 3] = ["3.11", "3.12", "3.13"];

/// A script of `tests/targets`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/targets")
        .join(name)
}

/// Runs a script under each release that is here, attached.
fn each_release(name: &str, arguments: &[&str], mut check: impl FnMut(&str, Running, Target<OtherProcess>)) {
    for python in Python::find_all(&RELEASES) {
        let running = python.run(&script(name), arguments).unwrap();
        let target = Target::attach(Pid(running.pid())).unwrap();
        let version = target.version().to_string();
        assert!(
            version.starts_with(&python.release),
            "{version} is not {}",
            python.release
        );
        check(&version, running, target);
    }
}
