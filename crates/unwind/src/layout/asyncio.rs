//! Where CPython keeps tasks, futures, coroutines and what links them.
//!
//! # Where this sits
//! Beside [`super::Layout`], for [`crate::asyncio`]. A release without a table here is profiled as
//! before; its tasks are not joined.
//!
//! # Sources
//! `Modules/_asynciomodule.c` (by the debug information of each release's `_asyncio`, checked live),
//! `Include/cpython/{genobject,funcobject,setobject,methodobject}.h`, `Objects/genobject.c`.

use crate::ids::PythonVersion;

/// Everything that a reader of tasks must know of one release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsyncioLayout {
    pub(crate) task: TaskLayout,
    pub(crate) generator: GeneratorLayout,
    /// `PyFunctionObject.func_closure`.
    pub(crate) closure: usize,
    /// `PyTypeObject.tp_name` and `tp_base`.
    pub(crate) type_name: usize,
    pub(crate) type_base: usize,
    /// `PyWeakReference.wr_object`.
    pub(crate) referent: usize,
    pub(crate) set: SetLayout,
    /// First item of a tuple.
    pub(crate) tuple_items: usize,
    /// `PyListObject.ob_item`.
    pub(crate) list_items: usize,
}

/// `TaskObj` and the `FutureObj` that it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskLayout {
    /// Length of the head that holds every field below.
    pub(crate) head: usize,
    /// The first callback, and the list of the others.
    pub(crate) callback0: usize,
    pub(crate) callbacks: usize,
    /// i32: 0 pending, 1 cancelled, 2 finished.
    pub(crate) state: usize,
    /// The future that the task waits for.
    pub(crate) waiter: usize,
    pub(crate) coroutine: usize,
}

/// `PyGenObject` and its kin: coroutines and asynchronous generators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GeneratorLayout {
    /// i8, negative while it is not running and has not ended.
    pub(crate) state: usize,
    /// The frame inside the object.
    pub(crate) frame: usize,
    /// Depth of the value stack, i32, from the start of the frame.
    pub(crate) depth: usize,
    /// Locals and value stack, from the start of the frame.
    pub(crate) locals: usize,
}

/// `PySetObject` and its entries of key and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetLayout {
    pub(crate) mask: usize,
    pub(crate) table: usize,
}

/// Offsets in objects that are the same in all releases with a table here.
pub(crate) mod fixed {
    /// Bytes of a set's entry.
    pub(crate) const SET_ENTRY: usize = 16;
    /// `PyCFunctionObject.m_self`, `PyMethodObject.im_self`, `partialobject.args`.
    pub(crate) const BOUND: usize = 24;
    /// `PyCellObject.ob_ref`, and the first field of the awaitables that stand for another object.
    pub(crate) const CONTENT: usize = 16;
    /// Of all objects read for their links alone, tasks among them, no field lies further.
    pub(crate) const LINKS: usize = 144;
}

const V3_11: AsyncioLayout = AsyncioLayout {
    task: TaskLayout {
        head: 144,
        callback0: 24,
        callbacks: 40,
        state: 88,
        waiter: 128,
        coroutine: 136,
    },
    generator: GeneratorLayout {
        state: 75,
        frame: 80,
        depth: 64,
        locals: 72,
    },
    closure: 72,
    type_name: 24,
    type_base: 256,
    referent: 16,
    set: SetLayout { mask: 32, table: 40 },
    tuple_items: 24,
    list_items: 24,
};

const V3_12: AsyncioLayout = AsyncioLayout {
    generator: GeneratorLayout {
        state: 67,
        frame: 72,
        depth: 64,
        locals: 72,
    },
    ..V3_11
};

const V3_13: AsyncioLayout = AsyncioLayout {
    task: TaskLayout {
        head: 128,
        state: 96,
        waiter: 112,
        coroutine: 120,
        ..V3_12.task
    },
    ..V3_12
};

impl AsyncioLayout {
    /// The table of a release, or `None` if its tasks are not known.
    pub(crate) fn of(version: PythonVersion) -> Option<&'static Self> {
        match (version.major, version.minor) {
            (3, 11) => Some(&V3_11),
            (3, 12) => Some(&V3_12),
            (3, 13) => Some(&V3_13),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_lies_within_its_structure() {
        for layout in [V3_11, V3_12, V3_13] {
            let task = layout.task;
            for field in [task.callback0, task.callbacks, task.waiter, task.coroutine] {
                assert!(field + 8 <= task.head && task.head <= fixed::LINKS);
            }
            assert!(task.state + 4 <= task.head && layout.closure + 8 <= fixed::LINKS);
            assert!(layout.set.table + 8 <= fixed::LINKS && layout.generator.state < layout.generator.frame);
        }
    }
}
