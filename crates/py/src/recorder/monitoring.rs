//! Hooks of 3.12 and later: callbacks of `sys.monitoring` that are objects of our own type.
//!
//! The interpreter calls a callback with an argument array and no more, if its type supports the
//! vectorcall protocol. One object per event, whose function is fixed when it is made: nothing is
//! looked up or unpacked on the way.
//!
//! Other users of `sys.monitoring` have tool ids of their own; ours is one that no tool of the standard
//! library claims. Where functions are chosen, the begin of any other function is answered with
//! `DISABLE` once, after which it costs nothing.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::recorder::tree::{Entry, Key};

use super::hooks::{Refused, Wanted};
use super::{choice, events, state, symbols};

type Object = *mut ffi::PyObject;
type Vectorcall = unsafe extern "C" fn(Object, *const Object, usize, Object) -> Object;

/// A callback: the head of every object, then the function that the interpreter calls.
#[repr(C)]
struct Callback {
    head: ffi::PyObject,
    function: Option<Vectorcall>,
}

/// Tool ids in order of preference: unclaimed ones first, then those that debuggers, coverage and
/// profilers claim by convention.
const TOOL_IDS: [i32; 4] = [4, 3, 2, 1];

const NO_TOOL: i32 = -1;
static TOOL_ID: AtomicI32 = AtomicI32::new(NO_TOOL);
static NONE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());
static DISABLE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// Events of a function that goes on or ends.
const LOCAL_EVENTS: [(&str, Vectorcall); 4] = [
    ("PY_START", on_start),
    ("PY_RESUME", on_resume),
    ("PY_RETURN", on_leave),
    ("PY_YIELD", on_leave),
];

/// Events that releases before 3.15 cannot turn on for single functions.
const GLOBAL_EVENTS: [(&str, Vectorcall); 2] = [("PY_UNWIND", on_leave), ("PY_THROW", on_throw)];

const C_EVENTS: [(&str, Vectorcall); 3] = [
    ("CALL", on_call),
    ("C_RETURN", on_c_leave),
    ("C_RAISE", on_c_leave),
];

/// `None`, a new reference: it is immortal from 3.12 on.
#[inline(always)]
fn none() -> Object {
    NONE.load(Ordering::Relaxed)
}

#[inline(always)]
unsafe fn code(arguments: *const Object) -> Key {
    // SAFETY: every event of `sys.monitoring` has the code object as its first argument.
    unsafe { (*arguments).expose_provenance() }
}

unsafe extern "C" fn on_start(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's.
    events::enter(unsafe { code(arguments) }, Entry::Call);
    none()
}

unsafe extern "C" fn on_resume(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's.
    events::enter(unsafe { code(arguments) }, Entry::Resume);
    none()
}

unsafe extern "C" fn on_leave(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's.
    events::leave(unsafe { code(arguments) });
    none()
}

unsafe extern "C" fn on_throw(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's.
    events::throw(unsafe { code(arguments) });
    none()
}

/// The begin of any function while only some are wanted.
unsafe extern "C" fn on_any_start(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's; every event runs with the GIL held.
    let (key, py) = unsafe { (code(arguments), Python::assume_attached()) };
    if events::enter_known(key) {
        return none();
    }
    match choice::choose(py, key, |code| {
        set_local(code, LOCAL_MASK.load(Ordering::Relaxed))
    }) {
        choice::Choice::Wanted => events::enter(key, Entry::Call),
        choice::Choice::Unwanted => {
            let disable = DISABLE.load(Ordering::Relaxed);
            // SAFETY: `DISABLE` is alive as long as the interpreter; the caller gets a reference.
            unsafe { ffi::Py_IncRef(disable) };
            return disable;
        }
        choice::Choice::Over => {}
    }
    none()
}

/// The end by an exception, or a throw, while only some functions are wanted: not turned on for single
/// functions, so most of these are not ours.
unsafe extern "C" fn on_any_unwind(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the arguments are the interpreter's.
    events::leave_if_current(unsafe { code(arguments) });
    none()
}

unsafe extern "C" fn on_any_throw(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: as in `on_any_start`.
    let (key, py) = unsafe { (code(arguments), Python::assume_attached()) };
    if choice::is_chosen(py, key) {
        events::enter(key, Entry::Resume);
    }
    none()
}

unsafe extern "C" fn on_call(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the third argument of this event is the callable.
    let callable = unsafe { *arguments.add(2) };
    if let Some(found) = state::callable_types().and_then(|types| types.callable(callable)) {
        events::enter_c(found.key, callable);
    }
    none()
}

unsafe extern "C" fn on_c_leave(_: Object, arguments: *const Object, _: usize, _: Object) -> Object {
    // SAFETY: the third argument of these events is the callable.
    let callable = unsafe { *arguments.add(2) };
    if let Some(found) = state::callable_types().and_then(|types| types.callable(callable)) {
        events::leave(found.key);
    }
    none()
}

/// Event bits of a chosen function.
static LOCAL_MASK: AtomicI32 = AtomicI32::new(0);

/// Takes a tool id and turns the events on.
pub(super) fn set(py: Python<'_>, wanted: Wanted) -> Result<(), Refused> {
    try_set(py, wanted).unwrap_or_else(|error| {
        unset(py);
        Err(Refused {
            problem: format!("sys.monitoring refused: {error}"),
            hint: "another tool in this process may have replaced it",
        })
    })
}

fn try_set(py: Python<'_>, wanted: Wanted) -> PyResult<Result<(), Refused>> {
    let monitoring = py.import("sys")?.getattr("monitoring")?;
    let mut taken = None;
    for id in TOOL_IDS {
        match monitoring.call_method1("use_tool_id", (id, "pyrometer")) {
            Ok(_) => {
                taken = Some(id);
                break;
            }
            Err(error) if error.is_instance_of::<PyValueError>(py) => {}
            Err(error) => return Err(error),
        }
    }
    let Some(tool) = taken else {
        return Ok(Err(Refused {
            problem: "every tool id of sys.monitoring is taken".to_owned(),
            hint: "end another profiler, debugger or coverage tool of this process first",
        }));
    };
    TOOL_ID.store(tool, Ordering::Relaxed);
    NONE.store(py.None().into_ptr(), Ordering::Relaxed);
    DISABLE.store(monitoring.getattr("DISABLE")?.into_ptr(), Ordering::Relaxed);

    let names = monitoring.getattr("events")?;
    let kind = callback_type(py)?;
    let on = |name: &str, function: Vectorcall| -> PyResult<i32> {
        let event: i32 = names.getattr(name)?.extract()?;
        let callback = new_callback(py, &kind, function)?;
        monitoring.call_method1("register_callback", (tool, event, callback))?;
        Ok(event)
    };
    let (mut all, mut local) = (0, 0);
    for (name, function) in LOCAL_EVENTS {
        local |= on(name, function)?;
    }
    for (name, function) in GLOBAL_EVENTS {
        all |= on(name, function)?;
    }
    if wanted.chosen {
        let start = on("PY_START", on_any_start)?;
        on("PY_UNWIND", on_any_unwind)?;
        on("PY_THROW", on_any_throw)?;
        LOCAL_MASK.store(local & !start, Ordering::Relaxed);
        all |= start;
    } else {
        all |= local;
    }
    if wanted.c_calls {
        for (name, function) in C_EVENTS {
            all |= on(name, function)?;
        }
    }
    // A location that an earlier recording disabled is to be heard of again.
    monitoring.call_method0("restart_events")?;
    monitoring.call_method1("set_events", (tool, all))?;
    Ok(Ok(()))
}

/// Turns the events off and gives the tool id back.
pub(super) fn unset(py: Python<'_>) {
    let tool = TOOL_ID.swap(NO_TOOL, Ordering::Relaxed);
    if tool == NO_TOOL {
        return;
    }
    let done = (|| -> PyResult<()> {
        let monitoring = py.import("sys")?.getattr("monitoring")?;
        monitoring.call_method1("set_events", (tool, 0))?;
        let events = monitoring.getattr("events")?;
        let ours = LOCAL_EVENTS.iter().chain(&GLOBAL_EVENTS).chain(&C_EVENTS);
        for (name, _) in ours {
            let event: i32 = events.getattr(*name)?.extract()?;
            monitoring.call_method1("register_callback", (tool, event, py.None()))?;
        }
        for code in choice::chosen(py) {
            monitoring.call_method1("set_local_events", (tool, code, 0))?;
        }
        monitoring.call_method1("free_tool_id", (tool,))?;
        Ok(())
    })();
    // Without the module there are no events to turn off either.
    drop(done);
}

/// Turns events on for one code object.
fn set_local(code: &Bound<'_, PyAny>, events: i32) -> PyResult<()> {
    let monitoring = code.py().import("sys")?.getattr("monitoring")?;
    let tool = TOOL_ID.load(Ordering::Relaxed);
    monitoring.call_method1("set_local_events", (tool, code, events))?;
    Ok(())
}

/// The type of callbacks, made once per process.
fn callback_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    use pyo3::sync::PyOnceLock;
    static KIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind = KIND.get_or_try_init(py, || make_type(py).map(Bound::unbind))?;
    Ok(kind.bind(py).clone())
}

fn make_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    const HAVE_VECTORCALL: c_uint = 1 << 11;
    const DISALLOW_INSTANTIATION: c_uint = 1 << 7;
    let call = symbols::vectorcall_call().map_or(std::ptr::null_mut(), |call| call as *mut c_void);
    let mut members = [
        ffi::PyMemberDef {
            name: c"__vectorcalloffset__".as_ptr(),
            type_code: ffi::Py_T_PYSSIZET,
            offset: std::mem::offset_of!(Callback, function).cast_signed(),
            flags: ffi::Py_READONLY,
            doc: std::ptr::null(),
        },
        ffi::PyMemberDef::default(),
    ];
    let mut slots = [
        ffi::PyType_Slot {
            slot: ffi::Py_tp_members,
            pfunc: members.as_mut_ptr().cast(),
        },
        ffi::PyType_Slot {
            slot: ffi::Py_tp_call,
            pfunc: call,
        },
        ffi::PyType_Slot {
            slot: 0,
            pfunc: std::ptr::null_mut(),
        },
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"pyrometer._native.Callback".as_ptr(),
        basicsize: size_of::<Callback>() as c_int,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT as c_uint) | HAVE_VECTORCALL | DISALLOW_INSTANTIATION,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the spec and its slots are complete and outlive the call, which copies them. Members are
    // copied too.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec)) }
}

fn new_callback<'py>(
    py: Python<'py>,
    kind: &Bound<'py, PyAny>,
    function: Vectorcall,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: `kind` is the type made above, whose instances are `Callback`s.
    unsafe {
        let object = ffi::PyType_GenericAlloc(kind.as_ptr().cast(), 0);
        let object = Bound::from_owned_ptr_or_err(py, object)?;
        (*object.as_ptr().cast::<Callback>()).function = Some(function);
        Ok(object)
    }
}
