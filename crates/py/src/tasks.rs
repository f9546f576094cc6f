//! Finds asyncio in this interpreter and tells the agent of every new task. Never imports it.
//!
//! | part | does |
//! |---|---|
//! | [`begin`] | looks for asyncio now, and leaves a [`Watcher`] for an import that comes later |
//! | [`look`] | installs what is there; calling it again is cheap |
//! | [`add`] | stands before the `add` of the set in which asyncio registers its tasks |
//!
//! The C code of asyncio puts each new task into a `WeakSet` of its own by calling that set's `add`.
//! An attribute of that one object is all that is changed: no class, no function, no loop, no task.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::tasks;

use crate::{greenlets, threads};
use pyrometer_agent::tasks::{Address, TaskSet};

/// `_asyncio.Task`, once it is known. Never freed: the module keeps it.
static TASK_TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

/// Looks for the greenlet library that met an import going on.
static LOOKS: AtomicU32 = AtomicU32::new(0);
/// Most of them: they are a tenth of a second apart.
const MAX_LOOKS: u32 = 100;

/// Name of the function that stands in the registry, by which it is known again.
const HOOK_NAME: &std::ffi::CStr = c"pyrometer_add";

/// A finder that finds nothing. It is asked for every module that is imported, and looks for asyncio
/// once that is complete. Import goes on as if it were not there.
#[pyclass(frozen, module = "pyrometer._native")]
struct Watcher;

#[pymethods]
impl Watcher {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec(
        &self,
        py: Python<'_>,
        name: &str,
        path: Option<&Bound<'_, PyAny>>,
        target: Option<&Bound<'_, PyAny>>,
    ) -> Option<Py<PyAny>> {
        let _unused = (path, target);
        // The last module of the package that the package itself imports: all others are there.
        if name == "asyncio.unix_events" {
            look(py);
        }
        if name == "greenlet._greenlet" || name == "concurrent.futures.thread" {
            // It will be there at one of the sampler's next looks.
            tasks::want_libraries();
        }
        None
    }
}

/// Starts to look for libraries with tasks. Errors are dropped: without this, tasks are not joined.
pub(crate) fn begin(py: Python<'_>) {
    tasks::set_look(look_soon);
    look(py);
    let _dropped = watch(py);
}

fn watch(py: Python<'_>) -> PyResult<()> {
    let finders = py.import("sys")?.getattr("meta_path")?;
    for finder in finders.try_iter()? {
        if finder?.is_instance_of::<Watcher>() {
            return Ok(());
        }
    }
    finders.call_method1("insert", (0, Watcher))?;
    Ok(())
}

/// Takes everything back that [`begin`] left in the interpreter.
pub(crate) fn end(py: Python<'_>) {
    let unhook = || -> PyResult<()> {
        let finders = py.import("sys")?.getattr("meta_path")?;
        for finder in finders.try_iter()?.collect::<PyResult<Vec<_>>>()? {
            if finder.is_instance_of::<Watcher>() {
                finders.call_method1("remove", (finder,))?;
            }
        }
        threads::unhook(py)?;
        if let Some(registry) = registry(py)
            && is_hooked(&registry)
        {
            registry.delattr("add")?;
        }
        Ok(())
    };
    let _dropped = unhook();
}

/// Called by the sampler when it met code of asyncio: looks on the main thread, with the GIL.
fn look_soon() {
    extern "C" fn pending(_argument: *mut c_void) -> c_int {
        // SAFETY: pending calls run with the GIL held, on a thread that has a thread state.
        let py = unsafe { Python::assume_attached() };
        look(py);
        0
    }
    // SAFETY: may be called from any thread; a full queue is an error code, and we are asked again.
    unsafe { ffi::Py_AddPendingCall(Some(pending), std::ptr::null_mut()) };
}

/// Installs what is there to install.
fn look(py: Python<'_>) {
    let guarded = AssertUnwindSafe(|| {
        let _dropped = hook_asyncio(py);
        let _dropped = threads::hook(py);
        match module(py, "greenlet._greenlet").and_then(|module| greenlets::find(&module)) {
            Some(found) => tasks::greenlets_found(found),
            // It is being imported right now, or is not what we know.
            None if module(py, "greenlet").is_some() && LOOKS.fetch_add(1, Ordering::Relaxed) < MAX_LOOKS => {
                tasks::want_libraries();
            }
            None => {}
        }
    });
    let _panicked = catch_unwind(guarded);
}

pub(crate) fn module<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
    let modules = py.import("sys").ok()?.getattr("modules").ok()?;
    modules.get_item(name).ok().filter(|module| !module.is_none())
}

/// The set in which asyncio registers tasks; from 3.12 on only those that are not eager.
fn registry(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let tasks = module(py, "asyncio.tasks")?;
    let scheduled = tasks.getattr("_scheduled_tasks");
    scheduled.or_else(|_| tasks.getattr("_all_tasks")).ok()
}

fn is_hooked(registry: &Bound<'_, PyAny>) -> bool {
    let name = registry.getattr("add").and_then(|add| add.getattr("__name__"));
    name.is_ok_and(|name| {
        name.extract::<String>()
            .is_ok_and(|name| name.as_bytes() == HOOK_NAME.to_bytes())
    })
}

fn hook_asyncio(py: Python<'_>) -> PyResult<()> {
    let (Some(tasks), Some(native), Some(registry)) =
        (module(py, "asyncio.tasks"), module(py, "_asyncio"), registry(py))
    else {
        return Ok(());
    };
    let class = native.getattr("Task")?;
    // A module that is still being executed, or one that was replaced: later, or never.
    let is_complete = tasks.getattr("Task").is_ok_and(|task| task.is(&class));
    if is_hooked(&registry) || !is_complete || !class.is_instance_of::<pyo3::types::PyType>() {
        return Ok(());
    }
    let set = |object: &Bound<'_, PyAny>, is_weak| TaskSet {
        address: address(object.as_ptr()),
        is_weak,
    };
    let mut sets = vec![set(&registry.getattr("data")?, true)];
    if let Ok(eager) = tasks.getattr("_eager_tasks") {
        sets.push(set(&eager, false));
    }
    TASK_TYPE.store(class.into_ptr().cast(), Ordering::Release);
    if !tasks::asyncio_found(sets) {
        return Ok(());
    }
    // Tasks that are there already prove the layout too.
    let living: Vec<Bound<'_, PyAny>> = registry.try_iter()?.collect::<PyResult<_>>()?;
    living.iter().for_each(|task| check(task));
    let original = registry.getattr("add")?;
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: HOOK_NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: add },
        ml_flags: ffi::METH_O,
        ml_doc: std::ptr::null(),
    }));
    // SAFETY: the definition lives for ever; the function keeps the original alive as its `self`.
    let hook = unsafe {
        let function = ffi::PyCFunction_NewEx(definition, original.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, function)?
    };
    registry.setattr("add", hook)
}

/// Called by asyncio for every new task, in place of the set's own `add`, which it calls.
unsafe extern "C" fn add(original: *mut ffi::PyObject, task: *mut ffi::PyObject) -> *mut ffi::PyObject {
    let guarded = AssertUnwindSafe(|| {
        let class = TASK_TYPE.load(Ordering::Acquire);
        // SAFETY: called by Python with the GIL held and a live object; the class is one, and kept.
        unsafe {
            if class.is_null() || ffi::PyObject_TypeCheck(task, class) == 0 {
                return;
            }
            if tasks::is_unchecked() {
                check(&Bound::from_borrowed_ptr(Python::assume_attached(), task));
            }
            tasks::task_created(address(ffi::PyThreadState_Get()), address(task));
        }
    });
    let _panicked = catch_unwind(guarded);
    // SAFETY: the original is the `add` of the set, with the one argument that it takes.
    unsafe { ffi::PyObject_CallFunctionObjArgs(original, task, std::ptr::null_mut::<ffi::PyObject>()) }
}

/// Lets the agent compare a task's memory with what the task itself says.
fn check(task: &Bound<'_, PyAny>) {
    let class = TASK_TYPE.load(Ordering::Acquire);
    if tasks::is_unchecked()
        && task.get_type_ptr() == class
        && let Ok(coroutine) = task.call_method0("get_coro")
    {
        // SAFETY: an exact `_asyncio.Task`, alive, with the GIL held.
        unsafe { tasks::check_task(address(task.as_ptr()), address(coroutine.as_ptr())) };
    }
}

pub(crate) fn address<T>(pointer: *mut T) -> Address {
    Address(pointer.expose_provenance() as u64)
}
