//! The frames that a thread is in now, as code objects: what began before it was recorded.

use pyo3::ffi;
use pyo3::prelude::*;

/// Frames looked at: enough for any stack that was not meant to be deep.
const MAX_FRAMES: usize = 10_000;

/// Code objects of the calling thread's frames, innermost first.
pub(super) fn codes(py: Python<'_>) -> Vec<Bound<'_, PyAny>> {
    let mut codes = Vec::new();
    let mut frame = innermost(py);
    while let Some(one) = frame.filter(|_| codes.len() < MAX_FRAMES) {
        if let Ok(code) = one.getattr("f_code") {
            codes.push(code);
        }
        frame = one.getattr("f_back").ok().filter(|back| !back.is_none());
    }
    codes
}

/// Name of the thread, from the frame that `threading` started it with: it is not registered yet when
/// that frame begins.
pub(super) fn thread_name(py: Python<'_>) -> Option<String> {
    let mut outermost = innermost(py)?;
    for _ in 0..MAX_FRAMES {
        match outermost.getattr("f_back") {
            Ok(back) if !back.is_none() => outermost = back,
            _ => break,
        }
    }
    let code = outermost.getattr("f_code").ok()?;
    if code.getattr("co_name").ok()?.extract::<String>().ok()? != "_bootstrap" {
        return None;
    }
    let thread = outermost.getattr("f_locals").ok()?.get_item("self").ok()?;
    let attributes = thread.getattr("__dict__").ok()?;
    attributes.get_item("_name").ok()?.extract().ok()
}

fn innermost(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: the GIL is held; the frame is borrowed, and null where there is none.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}
