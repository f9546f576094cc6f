//! Functions of the interpreter that are exported but not part of the stable ABI, by name.

use std::ffi::{CStr, c_void};

/// Address of an exported function of the running interpreter; `None` if this release has none.
pub(super) fn address(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a lookup by name; the interpreter is loaded and stays so.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Declares a function that looks an interpreter function up as its type.
macro_rules! function {
    ($name:ident, $symbol:literal, $kind:ty) => {
        pub(super) fn $name() -> Option<$kind> {
            // SAFETY: the symbol has this type in every release that exports it.
            address($symbol).map(|found| unsafe { std::mem::transmute::<*mut c_void, $kind>(found) })
        }
    };
}

use pyo3::ffi::{PyFrameObject, PyInterpreterState, PyObject, PyThreadState};

/// A frame evaluation function: PEP 523. The frame is a `PyFrameObject` until 3.10, then an internal one.
pub(super) type Evaluate = unsafe extern "C" fn(*mut PyThreadState, *mut c_void, i32) -> *mut PyObject;

/// A profile function, as `PyEval_SetProfile` takes it.
pub(super) type ProfileFunction =
    unsafe extern "C" fn(*mut PyObject, *mut PyFrameObject, i32, *mut PyObject) -> i32;

function!(
    get_evaluate,
    c"_PyInterpreterState_GetEvalFrameFunc",
    unsafe extern "C" fn(*mut PyInterpreterState) -> Evaluate
);
function!(
    set_evaluate,
    c"_PyInterpreterState_SetEvalFrameFunc",
    unsafe extern "C" fn(*mut PyInterpreterState, Evaluate)
);
function!(
    set_profile,
    c"_PyEval_SetProfile",
    unsafe extern "C" fn(*mut PyThreadState, Option<ProfileFunction>, *mut PyObject) -> i32
);
function!(
    thread_head,
    c"PyInterpreterState_ThreadHead",
    unsafe extern "C" fn(*mut PyInterpreterState) -> *mut PyThreadState
);
function!(
    thread_next,
    c"PyThreadState_Next",
    unsafe extern "C" fn(*mut PyThreadState) -> *mut PyThreadState
);
function!(
    vectorcall_call,
    c"PyVectorcall_Call",
    unsafe extern "C" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject
);
