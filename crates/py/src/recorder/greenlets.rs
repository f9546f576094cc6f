//! Every greenlet has a place of its own in its thread's tree.
//!
//! The greenlet library calls a trace function after every switch, on each thread that set one. A
//! trace function that was there before is called as before.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyrometer_agent::recorder::tree::Position;

use super::events;

/// Greenlets whose places are kept per thread; more start at the root.
const MAX_GREENLETS: usize = 100_000;

#[pyclass(frozen, module = "pyrometer._native")]
struct Switches {
    before: Option<Py<PyAny>>,
}

#[pymethods]
impl Switches {
    #[pyo3(signature = (event, greenlets))]
    fn __call__(
        &self,
        py: Python<'_>,
        event: &Bound<'_, PyAny>,
        greenlets: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if let Some(state) = events::attached()
            && let Ok(pair) = greenlets.cast::<PyTuple>()
            && pair.len() == 2
        {
            let (from, to) = (pair.get_item(0)?, pair.get_item(1)?);
            let is_dead = from
                .getattr("dead")
                .and_then(|dead| dead.extract())
                .unwrap_or(true);
            // SAFETY: the calling thread's own state; no event of it is going on.
            let state = unsafe { &mut *state };
            // They belong to the greenlet that began the recording.
            state.began_before.clear();
            let place = state.greenlets.remove(&to.as_ptr().addr());
            let left = state.tree.switch(place.unwrap_or_else(Position::new));
            if !is_dead && state.greenlets.len() < MAX_GREENLETS {
                state.greenlets.insert(from.as_ptr().addr(), left);
            }
        }
        match &self.before {
            Some(before) => before.call1(py, (event, greenlets)).map(drop),
            None => Ok(()),
        }
    }
}

/// Follows the calling thread's greenlets from now on. False while the library is not imported.
pub(super) fn follow(py: Python<'_>) -> bool {
    let set = || -> PyResult<bool> {
        let modules = py.import("sys")?.getattr("modules")?;
        let Ok(library) = modules.get_item("greenlet") else {
            return Ok(false);
        };
        let Ok(set_trace) = library.getattr("settrace") else {
            return Ok(false);
        };
        let current = library.call_method0("gettrace")?;
        if current.is_instance_of::<Switches>() {
            return Ok(true);
        }
        let before = (!current.is_none()).then(|| current.unbind());
        set_trace.call1((Switches { before },))?;
        Ok(true)
    };
    set().unwrap_or(false)
}
