//! Which functions are recorded, where only some are wanted.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use pyrometer_agent::recorder::tree::Key;

use super::events;
use super::state::{kept_error, recording};

/// What is to be done about a function that begins while only some are wanted.
pub(super) enum Choice {
    Wanted,
    Unwanted,
    /// No recording runs.
    Over,
}

/// Chooses by name. `first` is called for a function that is wanted, once.
#[cold]
pub(super) fn choose(
    py: Python<'_>,
    key: Key,
    first: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<()>,
) -> Choice {
    let done = catch_unwind(AssertUnwindSafe(|| {
        let recording = recording().filter(|_| events::is_running())?;
        events::paused(|| {
            kept_error(py, || {
                if !recording.wants(py, key) {
                    return Some(Choice::Unwanted);
                }
                if recording.chosen.insert(key) {
                    let object = std::ptr::with_exposed_provenance_mut(key);
                    // SAFETY: the code object that runs now.
                    first(&unsafe { Bound::from_borrowed_ptr(py, object) }).ok()?;
                }
                Some(Choice::Wanted)
            })
        })
    }));
    done.ok().flatten().unwrap_or(Choice::Over)
}

/// Whether a function was asked for; remembers the answer.
pub(super) fn is_chosen(py: Python<'_>, key: Key) -> bool {
    let Some(recording) = recording().filter(|_| events::is_running()) else {
        return false;
    };
    match recording.numbers.get(&key) {
        Some(_) => recording.chosen.contains(&key),
        None => matches!(choose(py, key, |_| Ok(())), Choice::Wanted),
    }
}

/// Code objects of the functions that were chosen so far.
pub(super) fn chosen(py: Python<'_>) -> Vec<Bound<'_, PyAny>> {
    let keys = recording().into_iter().flat_map(|recording| &recording.chosen);
    keys.map(|&key| {
        let object = std::ptr::with_exposed_provenance_mut(key);
        // SAFETY: keys of functions are kept alive by the recording.
        unsafe { Bound::from_borrowed_ptr(py, object) }
    })
    .collect()
}
