//! Joins the threads of `concurrent.futures` to the code that submits work to them, where asked for.
//!
//! `submit` makes a private `_WorkItem` of the submitted function. [`Maker`] stands in for it and makes
//! the same object, with the function inside of a [`Work`], which says for whom the thread works while
//! it runs. `asyncio.to_thread` and `run_in_executor` come by here too. Only with `join_threads`, since a
//! program that looks inside of a pool could see it.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyrometer_agent::tasks;

use crate::tasks::{address, module};

/// Whether it was asked for.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Asks for it, from the next look on.
pub(crate) fn want() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Stands in for `_WorkItem` if the module is there and it was asked for. Calling it again is cheap.
pub(crate) fn hook(py: Python<'_>) -> PyResult<()> {
    if !WANTED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let Some(module) = module(py, "concurrent.futures.thread") else {
        return Ok(());
    };
    match module.getattr("_WorkItem") {
        Ok(class) if class.is_instance_of::<PyType>() => {
            let class = class.unbind();
            module.setattr("_WorkItem", Maker { class })?;
        }
        Ok(_) => {}
        // It is being imported right now.
        Err(_) => tasks::want_libraries(),
    }
    Ok(())
}

/// Puts `_WorkItem` back.
pub(crate) fn unhook(py: Python<'_>) -> PyResult<()> {
    WANTED.store(false, Ordering::Relaxed);
    if let Some(module) = module(py, "concurrent.futures.thread")
        && let Ok(maker) = module.getattr("_WorkItem")?.cast::<Maker>()
    {
        module.setattr("_WorkItem", &maker.get().class)?;
    }
    Ok(())
}

/// Makes work items.
#[pyclass(frozen, module = "pyrometer._native")]
struct Maker {
    class: Py<PyAny>,
}

#[pymethods]
impl Maker {
    /// The arguments of `_WorkItem`: a future, the function, and the function's own arguments.
    #[pyo3(signature = (*arguments, **named))]
    fn __call__(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        const FUNCTION: usize = 1;
        let mut items: Vec<_> = arguments.iter().collect();
        if let Some(function) = items.get_mut(FUNCTION) {
            // SAFETY: called by Python with the GIL held, so this thread has a state.
            let origin = unsafe { tasks::submit(address(ffi::PyThreadState_Get())) };
            let work = Work {
                function: function.clone().unbind(),
                origin,
            };
            *function = Bound::new(py, work)?.into_any();
        }
        self.class.call(py, PyTuple::new(py, items)?, named)
    }
}

/// A submitted function.
#[pyclass(frozen, module = "pyrometer._native")]
struct Work {
    function: Py<PyAny>,
    origin: u32,
}

#[pymethods]
impl Work {
    #[pyo3(signature = (*arguments, **named))]
    fn __call__(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyTuple>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let before = tasks::enter(self.origin);
        let result = self.function.call(py, arguments, named);
        tasks::enter(before);
        result
    }
}
