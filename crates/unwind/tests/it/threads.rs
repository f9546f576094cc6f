//! The thread list follows threads that come and go; interpreters that are not supported are refused.

use pyrometer_testkit::python::Python;
use pyrometer_unwind::{AttachError, Pid, ReadError, Target, Walker};

use crate::{each_release, script};

#[test]
fn threads_come_and_go() {
    each_release("threads.py", &[], |version, mut running, target| {
        let main = running.ready.as_u64().unwrap();
        let mut walker = Walker::new();
        let mut threads = Vec::new();
        let mut listed = |walker: &mut Walker| -> Vec<u64> {
            walker.threads(&target, &mut threads).unwrap();
            threads
                .iter()
                .map(|thread| u64::from(thread.os_thread_id.0))
                .collect()
        };
        for _ in 0..4 {
            running.tell("start").unwrap();
            let started: u64 = running.line().unwrap().parse().unwrap();
            // Twice: followed, then predicted.
            for _ in 0..2 {
                assert_eq!(listed(&mut walker), [started, main], "{version}");
            }
            running.tell("end").unwrap();
            assert_eq!(running.line().unwrap(), "ended");
            assert_eq!(listed(&mut walker), [main], "{version}");
        }
        drop(running);
        assert_eq!(
            walker.threads(&target, &mut threads),
            Err(ReadError::Gone),
            "{version}"
        );
    });
}

#[test]
fn other_releases_and_programs_are_refused() {
    for python in Python::find_all(&["3.8"]) {
        let running = python.run(&script("threads.py"), &[] as &[&str]).unwrap();
        let error = Target::attach(Pid(running.pid())).unwrap_err();
        let found =
            matches!(error, AttachError::Version { found } if found.to_string().starts_with(&python.release));
        assert!(found && error.hint().is_some(), "{}: {error}", python.release);
    }
    // This test is not a Python process, and no process has this id.
    let own = Pid(std::process::id().cast_signed());
    assert!(matches!(Target::attach(own), Err(AttachError::NotPython { .. })));
    assert!(matches!(
        Target::attach(Pid(i32::MAX)),
        Err(AttachError::NoProcess { .. })
    ));
}
