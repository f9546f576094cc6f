//! Hooks of 3.9 to 3.11: a frame evaluation function around the interpreter's own (PEP 523).
//!
//! It costs a third of what a profile function does on 3.11, and takes nothing from anybody: the
//! program may use `sys.setprofile` and `sys.settrace` as it likes, and an evaluation function that was
//! there before is called as before.
//!
//! # Depth
//! With an evaluation function each Python call takes C stack, which on 3.11 it does not otherwise. A
//! thread that has used half of its stack goes on with a profile function (`setprofile`), which takes
//! none, until it is back. Calls of other threads are not seen meanwhile.
//!
//! # Sources
//! CPython `Include/cpython/frameobject.h` (3.9, 3.10), `Include/internal/pycore_frame.h` (3.11),
//! offsets by `offsetof` on x86-64; they are those of every 64-bit build.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::recorder::tree::{Entry, Key};

use super::hooks::{Refused, Wanted};
use super::symbols::{self, Evaluate};
use super::{choice, events, setprofile, state};

static ORIGINAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static OURS: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
static IS_DEEP: AtomicBool = AtomicBool::new(false);
static RETURN_GENERATOR: AtomicU8 = AtomicU8::new(0);

const CODE: usize = 32;
const LAST_INSTRUCTION_3_9: usize = 104;
const LAST_INSTRUCTION_3_10: usize = 96;
const PREVIOUS_INSTRUCTION_3_11: usize = 56;
const OWNER_3_11: usize = 69;
const CODE_FLAGS_3_11: usize = 48;

/// `f_lasti` of a frame object, or that it is an internal frame of 3.11.
const INTERNAL: usize = 0;

unsafe fn field<T: Copy>(base: *const c_void, offset: usize) -> T {
    // SAFETY: the caller names a field of this type of a live structure.
    unsafe { base.byte_add(offset).cast::<T>().read() }
}

/// Code of a frame and how it is entered; `None` for a frame that only makes a generator.
#[inline(always)]
unsafe fn begin<const LAST_INSTRUCTION: usize>(frame: *const c_void) -> Option<(Key, Entry)> {
    /// Generator, coroutine or asynchronous generator.
    const GENERATOR_FLAGS: i32 = 0x20 | 0x80 | 0x200;
    const OWNED_BY_GENERATOR: u8 = 1;
    // SAFETY: the interpreter hands out a live frame of its release; offsets as named above.
    unsafe {
        let code: *const c_void = field(frame, CODE);
        let is_first = if LAST_INSTRUCTION != INTERNAL {
            field::<i32>(frame, LAST_INSTRUCTION) == -1
        } else if field::<i32>(code, CODE_FLAGS_3_11) & GENERATOR_FLAGS == 0 {
            true
        } else if field::<u8>(frame, OWNER_3_11) != OWNED_BY_GENERATOR {
            return None;
        } else {
            let previous: *const u8 = field(frame, PREVIOUS_INSTRUCTION_3_11);
            *previous == RETURN_GENERATOR.load(Ordering::Relaxed)
        };
        let entry = if is_first { Entry::Call } else { Entry::Resume };
        Some((code.expose_provenance(), entry))
    }
}

/// The frame that the thread is in: the caller of one that is about to be evaluated.
#[inline(always)]
unsafe fn current_frame<const LAST_INSTRUCTION: usize>(thread: *mut ffi::PyThreadState) -> usize {
    const THREAD_FRAME: usize = 24;
    const THREAD_C_FRAME_3_11: usize = 56;
    const C_FRAME_CURRENT_3_11: usize = 8;
    // SAFETY: a live thread state of its release.
    unsafe {
        let thread: *const c_void = thread.cast();
        if LAST_INSTRUCTION != INTERNAL {
            field(thread, THREAD_FRAME)
        } else {
            field(field(thread, THREAD_C_FRAME_3_11), C_FRAME_CURRENT_3_11)
        }
    }
}

/// Frames of the calling thread and their code objects, innermost first. They end without an event,
/// since they are evaluated without us; see [`events::enter_below`].
pub(super) fn frames_without_us(minor: u8) -> Vec<(usize, Key)> {
    const BACK: usize = 24;
    const PREVIOUS_3_11: usize = 48;
    const MAX_FRAMES: usize = 10_000;
    let mut frames = Vec::new();
    // SAFETY: the GIL is held; frames of the running thread are live, and linked until the first.
    unsafe {
        let thread = ffi::PyThreadState_Get();
        let (mut frame, back) = if minor < 11 {
            (current_frame::<LAST_INSTRUCTION_3_9>(thread), BACK)
        } else {
            (current_frame::<INTERNAL>(thread), PREVIOUS_3_11)
        };
        while frame != 0 && frames.len() < MAX_FRAMES {
            let at: *const c_void = std::ptr::with_exposed_provenance(frame);
            let code: *const c_void = field(at, CODE);
            frames.push((frame, code.expose_provenance()));
            frame = field(at, back);
        }
    }
    frames
}

unsafe extern "C" fn evaluate<const LAST_INSTRUCTION: usize, const CHOSEN: bool>(
    thread: *mut ffi::PyThreadState,
    frame: *mut c_void,
    throw: i32,
) -> *mut ffi::PyObject {
    // SAFETY: it was put there by `set`, before this function was.
    let original = unsafe { std::mem::transmute::<*mut c_void, Evaluate>(ORIGINAL.load(Ordering::Relaxed)) };
    // SAFETY: the arguments are the interpreter's, and handed on as they are.
    unsafe {
        let Some((key, entry)) = begin::<LAST_INSTRUCTION>(frame) else {
            return original(thread, frame, throw);
        };
        if CHOSEN && !choice::is_chosen(Python::assume_attached(), key) {
            return original(thread, frame, throw);
        }
        let marker = 0_u8;
        if events::is_below_floor((&raw const marker).addr()) && !IS_DEEP.load(Ordering::Relaxed) {
            return deep(original, thread, frame, throw);
        }
        if throw != 0 {
            events::throw(key);
        } else {
            events::enter_below(key, entry, || current_frame::<LAST_INSTRUCTION>(thread));
        }
        let result = original(thread, frame, throw);
        events::leave(key);
        result
    }
}

/// Evaluates a frame, and all that it calls, without taking C stack per call.
#[cold]
#[inline(never)]
unsafe fn deep(
    original: Evaluate,
    thread: *mut ffi::PyThreadState,
    frame: *mut c_void,
    throw: i32,
) -> *mut ffi::PyObject {
    IS_DEEP.store(true, Ordering::Relaxed);
    // SAFETY: the GIL is held; the original belongs to this interpreter.
    unsafe {
        install(original);
        let py = Python::assume_attached();
        let is_profiled = state::kept_error(py, || setprofile::begin_on_this_thread(py));
        let result = original(thread, frame, throw);
        if is_profiled {
            state::kept_error(py, setprofile::end_on_this_thread);
        }
        IS_DEEP.store(false, Ordering::Relaxed);
        let ours = OURS.load(Ordering::Relaxed);
        if !ours.is_null() {
            install(std::mem::transmute::<*mut c_void, Evaluate>(ours));
        }
        result
    }
}

unsafe fn install(function: Evaluate) {
    if let Some(set) = symbols::set_evaluate() {
        // SAFETY: the GIL is held; the function belongs to this interpreter.
        unsafe { set(ffi::PyInterpreterState_Get(), function) };
    }
}

/// Puts the function in front of the one that is there.
pub(super) fn set(py: Python<'_>, wanted: Wanted) -> Result<(), Refused> {
    let Some(get) = symbols::get_evaluate() else {
        return Err(Refused {
            problem: "this interpreter does not export its frame evaluation".to_owned(),
            hint: "a CPython that is not built with hidden symbols is needed",
        });
    };
    let minor = py.version_info().minor;
    let opcode = || -> PyResult<u8> {
        py.import("opcode")?
            .getattr("opmap")?
            .get_item("RETURN_GENERATOR")?
            .extract()
    };
    if minor == 11
        && let Ok(opcode) = opcode()
    {
        RETURN_GENERATOR.store(opcode, Ordering::Relaxed);
    }
    let ours: Evaluate = match (minor, wanted.chosen) {
        (9, false) => evaluate::<LAST_INSTRUCTION_3_9, false>,
        (9, true) => evaluate::<LAST_INSTRUCTION_3_9, true>,
        (10, false) => evaluate::<LAST_INSTRUCTION_3_10, false>,
        (10, true) => evaluate::<LAST_INSTRUCTION_3_10, true>,
        (_, false) => evaluate::<INTERNAL, false>,
        (_, true) => evaluate::<INTERNAL, true>,
    };
    // SAFETY: the GIL is held.
    let original = unsafe { get(ffi::PyInterpreterState_Get()) };
    ORIGINAL.store(original as *mut c_void, Ordering::Relaxed);
    OURS.store(ours as *mut c_void, Ordering::Relaxed);
    // SAFETY: the function has the type that the interpreter wants, and lives as long as it.
    unsafe { install(ours) };
    Ok(())
}

/// Takes it away, unless somebody put another one in front of it, which may call it.
pub(super) fn unset() {
    let ours = OURS.swap(std::ptr::null_mut(), Ordering::Relaxed);
    let Some(get) = symbols::get_evaluate() else {
        return;
    };
    // SAFETY: the GIL is held; the original was the interpreter's when `set` found it.
    unsafe {
        if get(ffi::PyInterpreterState_Get()) as *mut c_void == ours {
            install(std::mem::transmute::<*mut c_void, Evaluate>(
                ORIGINAL.load(Ordering::Relaxed),
            ));
        }
    }
}
