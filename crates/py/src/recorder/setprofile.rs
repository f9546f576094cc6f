//! Hooks of 3.9 to 3.11 that see calls of C functions, and any depth: a profile function per thread.
//!
//! There is one profile function per thread, so a program that sets one itself takes ours away, and one
//! that was there first is left alone: then this refuses.

use std::ffi::c_void;

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::recorder::tree::{Entry, Key};

use super::hooks::Refused;
use super::{events, state, symbols};

/// What happened, as the interpreter numbers it.
mod what {
    pub(super) const CALL: i32 = 0;
    pub(super) const RETURN: i32 = 3;
    pub(super) const C_CALL: i32 = 4;
    pub(super) const C_EXCEPTION: i32 = 5;
    pub(super) const C_RETURN: i32 = 6;
}

/// Minor version of the interpreter, for the layout of its frames.
static MINOR: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Code object of a frame object, and whether it begins rather than goes on.
unsafe fn code(frame: *mut ffi::PyFrameObject) -> (Key, Entry) {
    const CODE: usize = 32;
    const INTERNAL_FRAME_3_11: usize = 24;
    const PREVIOUS_INSTRUCTION_3_11: usize = 56;
    const RESUME_KINDS: u8 = 3;
    let frame = frame.cast::<c_void>();
    // SAFETY: a live frame object; the offsets are those of its release (see `eval`).
    unsafe {
        let word = |base: *const c_void, offset: usize| base.byte_add(offset).cast::<*const c_void>().read();
        match MINOR.load(std::sync::atomic::Ordering::Relaxed) {
            minor @ (9 | 10) => {
                let last = if minor == 9 { 104 } else { 96 };
                let is_first = frame.byte_add(last).cast::<i32>().read() == -1;
                (word(frame, CODE).expose_provenance(), entry(is_first))
            }
            _ => {
                let internal = word(frame, INTERNAL_FRAME_3_11);
                // The instruction is RESUME; its argument says whether a function begins there.
                let instruction = word(internal, PREVIOUS_INSTRUCTION_3_11).cast::<u8>();
                let is_first = *instruction.add(1) & RESUME_KINDS == 0;
                (word(internal, CODE).expose_provenance(), entry(is_first))
            }
        }
    }
}

fn entry(is_first: bool) -> Entry {
    if is_first { Entry::Call } else { Entry::Resume }
}

unsafe extern "C" fn on_event(
    _: *mut ffi::PyObject,
    frame: *mut ffi::PyFrameObject,
    event: i32,
    argument: *mut ffi::PyObject,
) -> i32 {
    // SAFETY: frame and argument are the interpreter's.
    unsafe {
        match event {
            what::CALL => {
                let (key, entry) = code(frame);
                events::enter(key, entry);
            }
            what::RETURN => events::leave(code(frame).0),
            what::C_CALL => {
                if let Some(found) = state::callable_types().and_then(|types| types.callable(argument)) {
                    events::enter_c(found.key, argument);
                }
            }
            what::C_RETURN | what::C_EXCEPTION => {
                if let Some(found) = state::callable_types().and_then(|types| types.callable(argument)) {
                    events::leave(found.key);
                }
            }
            _ => {}
        }
    }
    0
}

/// The same without C functions: below a deep recursion.
unsafe extern "C" fn on_python_event(
    this: *mut ffi::PyObject,
    frame: *mut ffi::PyFrameObject,
    event: i32,
    argument: *mut ffi::PyObject,
) -> i32 {
    if matches!(event, what::CALL | what::RETURN) {
        // SAFETY: handed on as they are.
        unsafe { on_event(this, frame, event, argument) };
    }
    0
}

unsafe fn install(thread: *mut ffi::PyThreadState, function: Option<symbols::ProfileFunction>) -> bool {
    let set = symbols::set_profile();
    // SAFETY: the GIL is held; the thread state is one of this interpreter.
    let done = set.is_some_and(|set| unsafe { set(thread, function, std::ptr::null_mut()) } == 0);
    if !done {
        // SAFETY: the GIL is held. Refused by an audit hook: that is not the program's error.
        unsafe { ffi::PyErr_Clear() };
    }
    done
}

fn remember_version(py: Python<'_>) {
    MINOR.store(py.version_info().minor, std::sync::atomic::Ordering::Relaxed);
}

fn is_free(py: Python<'_>) -> bool {
    let current = py.import("sys").and_then(|sys| sys.call_method0("getprofile"));
    current.is_ok_and(|current| current.is_none())
}

/// Takes the calling thread's profile function, if nobody has it.
pub(super) fn begin_on_this_thread(py: Python<'_>) -> bool {
    remember_version(py);
    // SAFETY: the GIL is held.
    events::paused(|| is_free(py)) && unsafe { install(ffi::PyThreadState_Get(), Some(on_python_event)) }
}

/// Gives it back.
pub(super) fn end_on_this_thread() {
    // SAFETY: the GIL is held.
    unsafe { install(ffi::PyThreadState_Get(), None) };
}

/// The first event of a thread that `threading` starts: it takes the real function.
#[pyfunction]
fn profile_this_thread(_frame: &Bound<'_, PyAny>, _event: &str, _argument: &Bound<'_, PyAny>) {
    // SAFETY: the GIL is held.
    unsafe { install(ffi::PyThreadState_Get(), Some(on_event)) };
}

/// Takes the profile function of all threads, and of those to come.
pub(super) fn set(py: Python<'_>) -> Result<(), Refused> {
    if !is_free(py) {
        return Err(Refused {
            problem: "another profiler holds sys.setprofile".to_owned(),
            hint: "end it first, or record without C calls",
        });
    }
    remember_version(py);
    let refused = |problem: String| Refused {
        problem,
        hint: "record without C calls",
    };
    for_every_thread(Some(on_event)).ok_or_else(|| refused("threads cannot be listed here".to_owned()))?;
    let new_threads = || -> PyResult<()> {
        let installer = wrap_pyfunction!(profile_this_thread, py)?;
        py.import("threading")?.call_method1("setprofile", (installer,))?;
        Ok(())
    };
    new_threads().map_err(|error| refused(error.to_string()))
}

/// Gives it back.
pub(super) fn unset(py: Python<'_>) {
    for_every_thread(None);
    let none = py.None();
    if let Ok(threading) = py.import("threading") {
        // A module without the function has nothing to be taken from.
        let _ = threading.call_method1("setprofile", (none,));
    }
}

fn for_every_thread(function: Option<symbols::ProfileFunction>) -> Option<()> {
    const MAX_THREADS: usize = 100_000;
    let (head, next) = (symbols::thread_head()?, symbols::thread_next()?);
    // SAFETY: the GIL is held, so the list of threads stands still.
    unsafe {
        let mut thread = head(ffi::PyInterpreterState_Get());
        for _ in 0..MAX_THREADS {
            if thread.is_null() {
                break;
            }
            install(thread, function);
            thread = next(thread);
        }
    }
    Some(())
}
