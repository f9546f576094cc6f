//! `pyrometer.label`: tells the agent which objects stand for which labels.

use pyo3::prelude::*;
use pyrometer_agent::label_sets;

/// Names the context variable whose values are label sets. Once, and it lives from then on.
#[pyfunction]
pub(crate) fn set_label_variable(variable: Bound<'_, PyAny>) -> PyResult<()> {
    let hash = variable.hash()?;
    label_sets::set_variable(kept(variable), hash as i64);
    Ok(())
}

/// Says that an object stands for these labels. False when there are too many; else it lives from
/// then on.
#[pyfunction]
pub(crate) fn add_label_set(label_set: Bound<'_, PyAny>, pairs: Vec<(String, String)>) -> bool {
    let added = label_sets::add(label_set.as_ptr() as u64, pairs.into_iter().collect());
    if added {
        kept(label_set);
    }
    added
}

/// The address of an object that is never freed.
fn kept(object: Bound<'_, PyAny>) -> u64 {
    object.into_ptr() as u64
}
