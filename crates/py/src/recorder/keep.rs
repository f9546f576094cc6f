//! Leaves what was recorded so far in a file, every few seconds: a process that is killed leaves that.
//!
//! A thread whose events say that time has passed asks the interpreter to call [`save`] on the main
//! thread. What saving takes is not the program's time, and at most a twentieth of it.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;

use super::{events, face, state};

/// Least time between two saves.
const EVERY: Duration = Duration::from_secs(2);

/// Between two saves passes at least this many times what one takes.
const REST: u32 = 20;

struct Kept {
    path: PathBuf,
    /// Process that the file belongs to: the child of a fork gets one of its own.
    process: u32,
    next: Instant,
}

/// Taken with the GIL held, for an instant.
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// Keeps the file up to date from now on; `None` for no longer.
#[pyfunction]
pub(crate) fn calls_keep(path: Option<PathBuf>) {
    if let Ok(mut kept) = KEPT.try_lock() {
        IS_ASKED.store(false, Ordering::Relaxed);
        *kept = path.map(|path| Kept {
            path,
            process: std::process::id(),
            next: Instant::now() + EVERY,
        });
    }
}

/// Time has passed on some thread. Called in the middle of an event, now and then.
pub(super) fn time_passed() {
    let is_due = KEPT
        .try_lock()
        .is_ok_and(|kept| kept.as_ref().is_some_and(|kept| Instant::now() >= kept.next));
    if is_due && !IS_ASKED.swap(true, Ordering::Relaxed) {
        // SAFETY: the GIL is held; `save` has the right type. A full queue is an error code.
        let asked = unsafe { ffi::Py_AddPendingCall(Some(save), std::ptr::null_mut()) } == 0;
        IS_ASKED.store(asked, Ordering::Relaxed);
    }
}

extern "C" fn save(_: *mut c_void) -> c_int {
    let _contained = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the interpreter calls this with the GIL held.
        let py = unsafe { Python::assume_attached() };
        let path = {
            let kept = KEPT.try_lock().ok()?;
            let kept = kept.as_ref().filter(|kept| kept.process == std::process::id())?;
            kept.path.clone()
        };
        let start = Instant::now();
        let report = state::kept_error(py, || face::calls_read(py))?;
        let _unsaved = replace(&path, &report.parts());
        if let Some(kept) = KEPT.try_lock().ok()?.as_mut() {
            kept.next = Instant::now() + EVERY.max(start.elapsed() * REST);
        }
        events::skip();
        Some(())
    }));
    IS_ASKED.store(false, Ordering::Relaxed);
    0
}

/// Writes a file so that a reader sees the old or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
