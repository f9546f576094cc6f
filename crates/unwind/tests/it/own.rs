//! Our own process, with a real interpreter loaded into it.
//!
//! A process can hold one interpreter, so each release runs in a child: this test binary again,
//! with the library to load in its environment.

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use pyrometer_testkit::python::Python;
use pyrometer_unwind::{Outcome, Stack, Target, Walker};

const LIBRARY: &str = "PYROMETER_TEST_LIBPYTHON";

#[test]
fn an_embedded_interpreter_is_read_from_inside() {
    for python in Python::find_all(&crate::RELEASES) {
        let root = python
            .program
            .parent()
            .and_then(|bin| bin.parent())
            .unwrap()
            .to_owned();
        let library = root.join(format!("lib/libpython{}.so", python.release));
        if !library.is_file() {
            eprintln!("SKIPPED {}: no shared library", python.release);
            continue;
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["own::inside", "--exact", "--ignored", "--nocapture"])
            .env(LIBRARY, &library)
            .env("PYTHONHOME", &root)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{}: {output}", python.release);
        let cost = output
            .lines()
            .find(|line| line.contains("CPU per sample"))
            .unwrap_or("no cost line");
        eprintln!("{cost}");
    }
}

/// Loads the library that the environment names, and reads a Python thread of its own.
#[test]
#[ignore = "runs in a child of the test above"]
fn inside() {
    let path: PathBuf = std::env::var_os(LIBRARY).unwrap().into();
    let path = CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: a terminated path; the library stays loaded for the life of the process.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!library.is_null());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let symbol = |name: &CStr| {
            // SAFETY: a valid handle and a terminated name.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            assert!(!found.is_null());
            found
        };
        // SAFETY: CPython's `void Py_Initialize(void)` and `int PyRun_SimpleString(const char *)`,
        // called from one thread that then holds the GIL.
        unsafe {
            let initialize: extern "C" fn() = std::mem::transmute(symbol(c"Py_Initialize"));
            let run: extern "C" fn(*const libc::c_char) -> libc::c_int =
                std::mem::transmute(symbol(c"PyRun_SimpleString"));
            initialize();
            tell.send(()).unwrap();
            let script = c"
import time
def down(depth):
    if depth:
        return down(depth - 1)
    time.sleep(3600)
down(28)
";
            run(script.as_ptr());
        }
    });
    told.recv().unwrap();
    let target = Target::own_process().unwrap();
    let mut walker = Walker::new();
    let (mut threads, mut stack) = (Vec::new(), Stack::default());
    // The script is soon at its depth: 29 calls and the module.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        walker.threads(&target, &mut threads).unwrap();
        if walker.stack(&target, &threads[0], &mut stack) == Outcome::Exact && stack.frames.len() == 30 {
            break;
        }
        assert!(Instant::now() < deadline, "{stack:?}");
        std::thread::yield_now();
    }
    let names: Vec<_> = stack
        .frames
        .iter()
        .map(|frame| target.code(frame.code).unwrap().name)
        .collect();
    assert_eq!(
        (names[0].as_str(), names[28].as_str(), names[29].as_str()),
        ("down", "down", "<module>")
    );
    let samples = 20_000;
    let start = thread_cpu();
    for _ in 0..samples {
        walker.stack(&target, &threads[0], &mut stack);
    }
    let cost = (thread_cpu() - start).as_secs_f64() * 1e6 / f64::from(samples);
    println!(
        "{} own process, depth 30: {cost:.2} us of CPU per sample",
        target.version()
    );
    // The interpreter's thread sleeps for an hour: leave without it.
    std::process::exit(0);
}

fn thread_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours and writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
