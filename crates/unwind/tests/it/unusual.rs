//! Interpreters that are not plain programs at a plain path: stripped, deleted, replaced, in another
//! root or mount namespace, and several in one process, each with its own GIL.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pyrometer_testkit::python::{Python, Running};
use pyrometer_unwind::{Gil, Memory, Outcome, Pid, Stack, Target, Walker};

use crate::{RELEASES, each_of, each_release, script};

/// Attaches to a process that parks in `down` at a known depth, and reads its stack.
fn check_parked(what: &str, running: &Running) {
    let target = Target::attach(Pid(running.pid())).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut walker = Walker::new();
    let (mut threads, mut stack) = (Vec::new(), Stack::default());
    walker.threads(&target, &mut threads).unwrap();
    assert_eq!(threads.len(), 1, "{what}");
    assert_eq!(
        i64::from(threads[0].os_thread_id.0),
        i64::from(running.pid()),
        "{what}"
    );
    // It says that it is ready in the instant before it parks.
    let deadline = Instant::now() + Duration::from_secs(60);
    while walker.stack(&target, &threads[0], &mut stack) != Outcome::Exact {
        assert!(Instant::now() < deadline, "{what}: {stack:?}");
    }
    assert_eq!(names(&target, &stack), ["down", "down", "<module>"], "{what}");
}

fn names<M: Memory>(target: &Target<M>, stack: &Stack) -> Vec<String> {
    let frames = stack.frames.iter();
    frames
        .map(|frame| target.code(frame.code).unwrap().name)
        .collect()
}

/// A copy of an interpreter, of its program and its shared library only, in a folder of its own.
struct Copied {
    folder: tempfile::TempDir,
    program: PathBuf,
    files: Vec<PathBuf>,
    python: Python,
}

impl Copied {
    fn new(python: &Python) -> Option<Self> {
        let root = python
            .program
            .canonicalize()
            .unwrap()
            .parent()?
            .parent()?
            .to_owned();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("python");
        std::fs::copy(&python.program, &program).unwrap();
        let mut files = vec![program.clone()];
        let library = format!("libpython{}.so.1.0", python.release);
        if let Ok(found) = root.join("lib").join(&library).canonicalize() {
            files.push(folder.path().join(&library));
            std::fs::copy(found, folder.path().join(&library)).unwrap();
        }
        Some(Self {
            python: Python {
                release: python.release.clone(),
                program: program.clone(),
            },
            folder,
            program,
            files,
        })
    }

    fn run(&self, original: &Python) -> Running {
        let home = original.program.canonicalize().unwrap();
        let home = home.parent().and_then(Path::parent).unwrap();
        let variables = [
            ("PYTHONHOME", home.as_os_str()),
            ("LD_LIBRARY_PATH", self.folder.path().as_os_str()),
        ];
        self.python
            .run_with(&script("depth.py"), &["parked", "3"], &variables)
            .unwrap()
    }
}

/// Copies of all interpreters that are ordinary files here: those in another root cannot be copied.
fn each_copy(mut check: impl FnMut(&Python, Copied)) {
    for python in Python::find_all(&RELEASES) {
        match Copied::new(&python).filter(|_| !python.is_in_another_root()) {
            Some(copied) => check(&python, copied),
            None => eprintln!("SKIPPED {}: it is in another root", python.release),
        }
    }
}

#[test]
fn stripped_interpreters_are_read() {
    each_copy(|python, copied| {
        let stripped = Command::new("strip").args(&copied.files).status().unwrap();
        assert!(stripped.success());
        check_parked(&format!("{} stripped", python.release), &copied.run(python));
    });
}

#[test]
fn deleted_and_replaced_interpreters_are_read() {
    each_copy(|python, copied| {
        let running = copied.run(python);
        for file in &copied.files {
            std::fs::remove_file(file).unwrap();
        }
        check_parked(&format!("{} deleted", python.release), &running);
        // What an upgrade leaves at the path is another interpreter, or none.
        for file in &copied.files {
            std::fs::write(file, "not an interpreter").unwrap();
        }
        check_parked(&format!("{} replaced", python.release), &running);
    });
}

#[test]
fn interpreters_in_another_mount_namespace_are_read() {
    let allowed = Command::new("unshare").args(["--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this user may not make mount namespaces");
        return;
    }
    each_copy(|python, copied| {
        // The interpreter lies where in our namespace nothing is.
        let inside = tempfile::tempdir().unwrap();
        let wrapper = inside.path().with_extension("sh");
        let text = format!(
            "#!/bin/sh\nexec unshare --mount sh -c 'mount --bind {from} {to} && export LD_LIBRARY_PATH={to} && exec {to}/python \"$@\"' sh \"$@\"\n",
            from = copied.folder.path().display(),
            to = inside.path().display(),
        );
        std::fs::write(&wrapper, text).unwrap();
        let made = Command::new("chmod").arg("755").arg(&wrapper).status().unwrap();
        assert!(made.success());
        let copied = Copied {
            python: Python {
                release: python.release.clone(),
                program: wrapper.clone(),
            },
            ..copied
        };
        let running = copied.run(python);
        assert!(!inside.path().join("python").exists());
        assert!(copied.program.exists());
        check_parked(
            &format!("{} in another mount namespace", python.release),
            &running,
        );
        std::fs::remove_file(wrapper).unwrap();
    });
}

#[test]
fn interpreters_in_another_root_are_read() {
    let mut read = 0;
    for python in Python::find_all(&RELEASES) {
        if !python.is_in_another_root() {
            continue;
        }
        let running = python.run(&script("depth.py"), &["parked", "3"]).unwrap();
        let root = |process: &str| std::fs::metadata(format!("/proc/{process}/root/")).unwrap();
        let (own, its) = (root("self"), root(&running.pid().to_string()));
        assert_ne!(
            (own.dev(), own.ino()),
            (its.dev(), its.ino()),
            "{}",
            python.release
        );
        check_parked(&format!("{} in another root", python.release), &running);
        read += 1;
    }
    if read == 0 {
        eprintln!("SKIPPED: no interpreter in another root (tools/debian_testing.sh makes them)");
    }
}

#[test]
fn interpreters_with_a_gil_of_their_own_are_read() {
    // From 3.12 on an interpreter may have its own.
    let releases = &RELEASES[3..];
    each_of(releases, "interpreters.py", &[], |version, running, target| {
        let told: Vec<u64> = serde_json::from_value(running.ready.clone()).unwrap();
        let leaf_of = BTreeMap::from([(told[0], "in_main"), (told[1], "in_another")]);
        let mut walker = Walker::new();
        let (mut threads, mut stack) = (Vec::new(), Stack::default());
        // The thread of the other interpreter is soon there: wait for what must come.
        let mut both = 0;
        let deadline = Instant::now() + Duration::from_secs(60);
        while both < 100 {
            assert!(Instant::now() < deadline, "{version}: {both} times both held");
            walker.threads(&target, &mut threads).unwrap();
            let mut held = 0;
            for thread in &threads {
                let outcome = walker.stack(&target, thread, &mut stack);
                if outcome != Outcome::Exact || stack.frames.len() < 2 {
                    continue;
                }
                if names(&target, &stack)[0] == leaf_of[&thread.interpreter] {
                    held += usize::from(stack.gil == Gil::Held);
                }
            }
            // Both threads run at once, each with the GIL of its interpreter.
            both += usize::from(held == 2);
        }
    });
}

/// Two threads compute in turns, one sleeps: what each has to do with the GIL.
#[test]
fn the_holder_of_the_gil_is_known() {
    each_release("gil.py", &[], |version, running, target| {
        let told: BTreeMap<String, u64> = serde_json::from_value(running.ready.clone()).unwrap();
        let mut walker = Walker::new();
        let (mut threads, mut stack) = (Vec::new(), Stack::default());
        walker.threads(&target, &mut threads).unwrap();
        let (mut seen, mut unknown) = (BTreeMap::new(), 0);
        for _ in 0..3_000 {
            for thread in &threads {
                walker.stack(&target, thread, &mut stack);
                let name = told
                    .iter()
                    .find(|(_, id)| **id == u64::from(thread.os_thread_id.0));
                let name = name.map_or("main", |(name, _)| name.as_str());
                unknown += usize::from(stack.gil == Gil::Unknown);
                *seen.entry((name, format!("{:?}", stack.gil))).or_insert(0) += 1;
            }
        }
        eprintln!("{version} {seen:?}");
        let count = |name: &'static str, gil: &str| seen.get(&(name, gil.to_owned())).copied().unwrap_or(0);
        assert_eq!(unknown, 0, "{version}");
        // Two threads share one GIL for the whole time; a third sleeps without it.
        let (one, other) = (count("one", "Held"), count("other", "Held"));
        assert!(one > 0 && other > 0 && one + other > 2_000, "{version} {seen:?}");
        assert!(one + other < 4_000, "{version} {seen:?}");
        if version.starts_with("3.15") {
            assert!(
                count("one", "Wanted") + count("other", "Wanted") > 1_000,
                "{version} {seen:?}"
            );
        }
        assert_eq!(count("sleeper", "Held"), 0, "{version} {seen:?}");
    });
}

/// uWSGI, where tools/uwsgi.sh has built it: an interpreter embedded in a program of another name.
#[test]
fn an_interpreter_inside_uwsgi_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venvs/uwsgi/bin");
    if !folder.join("uwsgi").exists() {
        eprintln!("SKIPPED: uWSGI is not built (tools/uwsgi.sh builds it)");
        return;
    }
    // uWSGI sends what the application prints to its standard error.
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$@\" 2>&1", "sh"])
        .arg(folder.join("uwsgi"))
        .args(["--enable-threads", "--socket", "127.0.0.1:0", "--virtualenv"])
        .arg(folder.parent().unwrap())
        .arg("--wsgi-file")
        .arg(script("embedded.py"));
    let running = Running::start(&mut command).unwrap();
    assert_eq!(running.ready.as_i64(), Some(running.pid().into()));
    let target = Target::attach(Pid(running.pid())).unwrap();
    let mut walker = Walker::new();
    let (mut threads, mut stack) = (Vec::new(), Stack::default());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        walker.threads(&target, &mut threads).unwrap();
        let parked = threads.iter().any(|thread| {
            walker.stack(&target, thread, &mut stack) == Outcome::Exact
                && names(&target, &stack).contains(&"parked_in_the_worker".to_owned())
        });
        if parked {
            break;
        }
        assert!(Instant::now() < deadline, "{threads:?}");
    }
}
