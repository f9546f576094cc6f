//! What cannot be done is said in one line with a hint, and by the exit code.

use std::os::unix::process::CommandExt;
use std::process::Command;

use pyrometer_testkit::python::Python;

use super::{pyrometer, run, said, threads};

/// One line of problem, one of hint.
fn check(arguments: &[&str], code: i32, problem: &str, hint: &str) {
    let (is, stdout, stderr) = run(arguments);
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(
        (is, stdout.as_str(), lines.len()),
        (code, "", 2),
        "{arguments:?}: {stderr}"
    );
    assert!(
        lines[0].starts_with("pyrometer: ") && lines[0].contains(problem),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with("hint: ") && lines[1].contains(hint),
        "{stderr}"
    );
}

#[test]
fn wrong_usage_is_2() {
    let own = std::process::id().to_string();
    check(&["record"], 2, "not provided", "PID | -- CMD");
    check(&["record", "-r", "0", &own], 2, "rate", "100");
    check(&["record", "-r", "1000000000", &own], 2, "rate", "100");
    check(&["record", "-d", "0", &own], 2, "duration", "Ctrl-C");
    check(&["record", "-d", "nan", &own], 2, "duration", "Ctrl-C");
    check(&["record", "app.py"], 2, "not a process id", "-- app.py");
    check(&["record", "-5"], 2, "-5", "");
    check(
        &["record", "--format", "png", &own],
        2,
        "unknown format",
        "speedscope",
    );
    check(&["record", "-o", "x.png", &own], 2, "no format", "--format");
    check(
        &["record", "-o", "/nowhere/x.svg", &own],
        2,
        "cannot be written",
        "--output",
    );
    check(
        &["record", "-o", "/proc/x.svg", &own],
        2,
        "cannot be written",
        "--output",
    );
    check(
        &["record", "--wall", "--gil", &own],
        2,
        "cannot be used with",
        "record",
    );
    check(&["top", "-r", "x", &own], 2, "rate", "100");
    check(&["dump"], 2, "not provided", "PID");
    check(&["dum", "1"], 2, "dum", "dump");
}

#[test]
fn a_process_that_cannot_be_read_is_1() {
    let sleep = Command::new("sleep").arg("60").spawn();
    let mut sleep = sleep.unwrap();
    let pid = sleep.id().to_string();
    for tool in [
        &["record", "-o", "/dev/null", "--format", "svg"][..],
        &["top"],
        &["dump"],
    ] {
        check(
            &[tool, &["999999999"]].concat(),
            1,
            "does not exist",
            "process id",
        );
        check(&[tool, &[&pid]].concat(), 1, "not a CPython process", "sleep");
    }
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    check(
        &[
            "record",
            "-o",
            "/dev/null",
            "--format",
            "svg",
            "--",
            "/no/such/program",
        ],
        1,
        "cannot be started",
        "path",
    );
}

#[test]
fn a_release_that_is_not_supported_is_named() {
    let Some(python) = Python::find("3.8") else {
        eprintln!("SKIPPED: no Python 3.8");
        return;
    };
    let program = python.program.to_str().unwrap();
    let words = [
        "record",
        "-o",
        "/dev/null",
        "--format",
        "svg",
        "--",
        program,
        "-c",
        "import time; time.sleep(1)",
    ];
    check(&words, 1, "3.8", "CPython");
}

#[test]
fn an_older_python_is_not_attached_to() {
    let target = threads();
    check(
        &["attach", &target.pid().to_string()],
        1,
        "3.14 is the first",
        "pyrometer record",
    );
    check(&["attach", "999999999"], 1, "does not exist", "process id");
}

#[test]
fn a_process_of_somebody_else_needs_more_rights() {
    const NOBODY: u32 = 65534;
    let target = threads();
    let mut command = pyrometer();
    command.args(["dump", &target.pid().to_string()]);
    // Only root can become somebody else, and the command must be in reach of them.
    let Ok(output) = command.uid(NOBODY).output() else {
        eprintln!("SKIPPED: nobody cannot start the command here");
        return;
    };
    let (code, _, stderr) = said(&output);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("was denied\nhint: it belongs to user id 0: use sudo"),
        "{stderr}"
    );
}

#[test]
fn an_output_that_failed_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.svg");
    let (code, ..) = run(&["record", "-o", file.to_str().unwrap(), "999999999"]);
    assert!(code == 1 && !file.exists());
    let (code, _, stderr) = {
        let target = threads();
        run(&[
            "record",
            "-d",
            "0.3",
            "--format",
            "svg",
            "-o",
            "/dev/full",
            &target.pid().to_string(),
        ])
    };
    assert_eq!(code, 1);
    assert!(stderr.contains("could not be written"), "{stderr}");
}
