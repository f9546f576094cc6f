//! Integration tests: real interpreters, read from outside, held against what they say themselves.

mod alternating;
mod contexts;
mod damaged;
mod image;
mod lines;
mod own;
mod parked;
mod threads;
mod unusual;

use pyrometer_testkit::python::{Python, Running};
use pyrometer_unwind::{OtherProcess, Pid, Target};
use std::path::{Path, PathBuf};

/// Releases that the crate supports.
const RELEASES: [&str; 7] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"];

/// A script of `tests/targets`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/targets")
        .join(name)
}

/// Runs a script under each release that is here, attached.
fn each_release(name: &str, arguments: &[&str], check: impl FnMut(&str, Running, Target<OtherProcess>)) {
    each_of(&RELEASES, name, arguments, check);
}

/// As [`each_release`], for some of them.
fn each_of(
    releases: &[&str],
    name: &str,
    arguments: &[&str],
    mut check: impl FnMut(&str, Running, Target<OtherProcess>),
) {
    for python in Python::find_all(releases) {
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
