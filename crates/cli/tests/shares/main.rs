//! Shares of CPU that `pyrometer record` finds, against the truth.
//!
//! A program of its own, so that no other test runs beside it: what competes for the cores here makes
//! the samples fewer.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use pyrometer_testkit::collapsed;
use pyrometer_testkit::python::Python;

/// Releases that can be read.
const RELEASES: [&str; 7] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"];

#[test]
fn cpu_shares_are_those_of_the_thread_clock() {
    // 10 s of CPU at 1000 Hz. On an idle machine that is 10,000 samples, one standard error of a share
    // is at most 0.5 points, and a deviation of 3 is practically excluded. Where three programs compete
    // for each core, samples of one time slice count as one: then it is a false alarm in some 1,000.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/shares.py");
    for python in Python::find_all(&RELEASES) {
        let folder = tempfile::tempdir().unwrap();
        let (truth, file) = (
            folder.path().join("truth"),
            folder.path().join("shares.collapsed"),
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_pyrometer"));
        command.args(["record", "-r", "1000", "-o"]).arg(&file).arg("--");
        command.arg(&python.program).arg(&script).arg(&truth).arg("100");
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert_eq!(output.stdout, b"standard output is the command's\n", "{stderr}");
        let used: HashMap<String, u64> = serde_json::from_slice(&fs::read(truth).unwrap()).unwrap();
        let total: u64 = used.values().sum();
        let all = collapsed::parse(&fs::read_to_string(file).unwrap());
        let measured: u64 = all.iter().map(|(_, value)| value).sum();
        // All CPU is there, with what the interpreter needs to start and to end.
        assert!(
            measured > total && measured < total + 1_000_000_000,
            "{measured} {total}"
        );
        // Time in `spend` itself is the interpreter's loop, and the end of its system call: where
        // programs compete for cores, a thread is often taken off its core there.
        assert!(collapsed::share(&all, "spend") > 0.9);
        let is_work = |stack: &[String]| used.keys().any(|name| stack.contains(name));
        let work: Vec<_> = all.into_iter().filter(|(stack, _)| is_work(stack)).collect();
        for (name, nanoseconds) in &used {
            let (is, should) = (collapsed::share(&work, name), *nanoseconds as f64 / total as f64);
            assert!(
                (is - should).abs() < 0.03,
                "{}: {name} is {is:.3}, should be {should:.3}",
                python.release
            );
        }
    }
}
