//! `pyrometer record`: shares against the truth, children, ends of every kind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use pyrometer_testkit::collapsed;

use super::{pyrometer, run, said, script, threads};

#[test]
fn hundreds_of_short_children_are_followed() {
    let python = super::python();
    let folder = tempfile::tempdir().unwrap();
    let (truth, file) = (folder.path().join("truth"), folder.path().join("c.collapsed"));
    let mut command = pyrometer();
    command.args(["record", "--children", "-o"]).arg(&file).arg("--");
    command
        .arg(&python.program)
        .arg(script("children.py"))
        .arg(&truth)
        .arg("200");
    let (code, _, stderr) = said(&command.output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    let processes: u32 = stderr
        .split(" process")
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(processes > 100, "{stderr}");
    let stacks = collapsed::parse(&fs::read_to_string(file).unwrap());
    let burnt: u64 = stacks
        .iter()
        .filter(|(stack, _)| stack.iter().any(|frame| frame == "burn"))
        .map(|(_, v)| v)
        .sum();
    let children_ns = fs::read_to_string(truth).unwrap().parse::<f64>().unwrap() * 1e9;
    // A child is found up to 20 ms after it began, and what it uses after its last tick is unknown.
    assert!(
        burnt as f64 > 0.3 * children_ns && (burnt as f64) < 1.1 * children_ns,
        "{burnt} of {children_ns}"
    );
}

#[test]
fn a_command_that_ends_at_once_leaves_an_empty_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.json");
    let (code, _, stderr) = run(&["record", "-o", file.to_str().unwrap(), "--", "true"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("the recording is empty"), "{stderr}");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(json["total"], 0);
}

#[test]
fn a_command_that_fails_is_told_and_its_recording_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.svg");
    let python = super::python().program;
    let program =
        "import time; t = time.process_time()\nwhile time.process_time() < t + .2: pass\nraise SystemExit(7)";
    let (code, _, stderr) = run(&[
        "record",
        "-o",
        file.to_str().unwrap(),
        "--",
        python.to_str().unwrap(),
        "-c",
        program,
    ]);
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.contains("the command failed: exit status: 7\nhint: "),
        "{stderr}"
    );
    assert!(fs::read_to_string(file).unwrap().contains("&lt;module&gt;"));
}

/// Starts a recording of a process and waits until it has taken samples: `top` beside it says so.
fn recording(pid: i32, file: &std::path::Path) -> Child {
    let mut command = pyrometer();
    command
        .args(["record", "-o"])
        .arg(file)
        .arg(pid.to_string())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let mut top = pyrometer()
        .args(["top", &pid.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(top.stdout.take().unwrap()).lines();
    // The second table: two seconds.
    assert!(
        lines
            .by_ref()
            .filter(|line| line.as_ref().unwrap().contains("samples/s"))
            .nth(1)
            .is_some()
    );
    top.kill().unwrap();
    top.wait().unwrap();
    child
}

fn kill(signal: &str, pid: u32) {
    assert!(
        std::process::Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_process_that_dies_leaves_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.collapsed");
    let target = threads();
    let child = recording(target.pid(), &file);
    drop(target);
    let (code, _, stderr) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    assert!(collapsed::share(&collapsed::parse(&fs::read_to_string(file).unwrap()), "compute") > 0.9);
}

#[test]
fn an_interrupt_ends_the_recording_and_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let target = threads();
    for signal in ["-INT", "-TERM"] {
        let file = folder.path().join(format!("x{signal}.collapsed"));
        let child = recording(target.pid(), &file);
        kill(signal, child.id());
        let (code, _, stderr) = said(&child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{stderr}");
        assert!(collapsed::share(&collapsed::parse(&fs::read_to_string(file).unwrap()), "compute") > 0.9);
    }
}

#[test]
fn a_stopped_process_is_read_and_stays_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.collapsed");
    let target = threads();
    kill("-STOP", target.pid().cast_unsigned());
    let pid = target.pid().to_string();
    let (code, _, stderr) = run(&[
        "record",
        "--wall",
        "-d",
        "0.5",
        "-o",
        file.to_str().unwrap(),
        &pid,
    ]);
    assert_eq!(code, 0, "{stderr}");
    assert!(collapsed::share(&collapsed::parse(&fs::read_to_string(file).unwrap()), "read") > 0.1);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(stat.contains(") T "), "{stat}");
}

#[test]
fn waiting_is_wall_time_and_the_gil_has_one_holder() {
    let folder = tempfile::tempdir().unwrap();
    let target = threads();
    let pid = target.pid().to_string();
    let recorded = |option: &str| {
        let file = folder.path().join("x.collapsed");
        let (code, _, stderr) = run(&["record", option, "-d", "1", "-o", file.to_str().unwrap(), &pid]);
        assert_eq!(code, 0, "{stderr}");
        collapsed::parse(&fs::read_to_string(file).unwrap())
    };
    // Five threads, one of which computes: in a second all are seen about a hundred times.
    let wall = recorded("--wall");
    assert!(
        (collapsed::share(&wall, "wait") - 0.6).abs() < 0.1
            && (collapsed::share(&wall, "compute") - 0.2).abs() < 0.1,
        "{wall:?}"
    );
    assert!(collapsed::share(&recorded("--gil"), "compute") > 0.95);
    assert!(collapsed::share(&recorded("--cpu"), "compute") > 0.95);
}
