//! The one recording of this process: its functions, its threads, and what it found.
//!
//! # Lifetime
//! A recording is made by [`begin`] and lives until the next one begins, since a thread may be inside
//! an event of it when it ends. Everything is reached with the GIL held, through one pointer, and
//! references never outlive a call; the interpreter switches threads only where it runs Python, which
//! happens here in [`events::paused`] sections alone.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::recorder::calls::{self, Known, ThreadCalls};
use pyrometer_agent::recorder::cost::Costs;
use pyrometer_agent::recorder::timer::{Opened, Timer};
use pyrometer_agent::recorder::tree::{Irregular, Key};
use pyrometer_model::CallProfile;

use super::names::CallableTypes;
use super::thread::{ThreadState, look_around};
use super::{events, names, patterns};

/// Functions that are told apart; beyond it they are `(other)`. Each holds its code object.
const MAX_FUNCTIONS: usize = 100_000;

/// Ended threads that are kept apart; beyond it they are merged into one.
const MAX_ENDED: usize = 64;

/// Number of a function beyond [`MAX_FUNCTIONS`].
const UNKNOWN: u32 = u32::MAX;

static RECORDING: AtomicPtr<Recording> = AtomicPtr::new(std::ptr::null_mut());
static NEXT_GENERATION: AtomicU32 = AtomicU32::new(1);

/// What a recording was asked to do.
pub(super) struct Plan {
    pub(super) opened: Opened,
    /// Patterns of names; empty for every function.
    pub(super) functions: Vec<String>,
    pub(super) max_nodes: usize,
    /// Folder of this package: its own frames are left out.
    pub(super) package: String,
}

pub(super) struct Recording {
    pub(super) plan: Plan,
    pub(super) costs: Costs,
    known: Vec<Known>,
    pub(super) numbers: HashMap<Key, u32>,
    /// Functions that were asked for, as far as they were met.
    pub(super) chosen: HashSet<Key>,
    types: CallableTypes,
    threads: Vec<*mut ThreadState>,
    ended: Vec<ThreadCalls>,
    merged_ended: u64,
}

/// The recording that runs or ran last.
pub(super) fn recording() -> Option<&'static mut Recording> {
    // SAFETY: see the head of this file.
    unsafe { RECORDING.load(Ordering::Relaxed).as_mut() }
}

/// Begins a recording: events count from now on.
pub(super) fn begin(plan: Plan, types: CallableTypes) {
    let recording = Box::new(Recording {
        plan,
        costs: Costs::default(),
        known: Vec::new(),
        numbers: HashMap::new(),
        chosen: HashSet::new(),
        types,
        threads: Vec::new(),
        ended: Vec::new(),
        merged_ended: 0,
    });
    let old = RECORDING.swap(Box::into_raw(recording), Ordering::Relaxed);
    discard(old);
    let generation = NEXT_GENERATION.fetch_add(1, Ordering::Relaxed);
    events::begin(generation);
}

/// Lets a recording and the objects that it holds go.
fn discard(old: *mut Recording) {
    if old.is_null() {
        return;
    }
    // SAFETY: it was made by `begin`, is no longer reachable, and no thread is inside an event of it:
    // events run with the GIL held, which is ours.
    let old = unsafe { Box::from_raw(old) };
    if old.plan.opened.used != Timer::External {
        for &thread in &old.threads {
            // SAFETY: made by `attach`; its thread has another generation now.
            drop(unsafe { Box::from_raw(thread) });
        }
    } // else a thread may be inside the program's own timer, in the middle of an event: leaked
    for (&key, &number) in &old.numbers {
        if number & HELD != 0 {
            // SAFETY: a reference was taken when the key was added.
            unsafe { ffi::Py_DecRef(std::ptr::with_exposed_provenance_mut(key)) };
        }
    }
}

/// Set in the numbers of functions whose key is an object that is kept alive.
const HELD: u32 = 1 << 31;

/// The number of a code object's function, for a node that is new on this thread.
#[cold]
pub(super) fn number_of_code(key: Key) -> u32 {
    contained(|recording, py, state| {
        if let Some(state) = state {
            // SAFETY: the calling thread's own state; its tree is not touched here.
            look_around(py, unsafe { &mut *state });
        }
        recording.number(py, key, Some(key), names::of_code)
    })
}

/// The number of a callable in C.
#[cold]
pub(super) fn number_of_callable(key: Key, callable: *mut ffi::PyObject) -> u32 {
    contained(|recording, py, _| {
        let held = recording.types.callable(callable).and_then(|found| found.held);
        let types = recording.types;
        recording.number(py, key, held.map(|held| held.expose_provenance()), |_| {
            types.name(py, callable)
        })
    })
}

/// Types by which callables are told apart.
pub(super) fn callable_types() -> Option<CallableTypes> {
    recording().map(|recording| recording.types)
}

fn contained(action: impl FnOnce(&mut Recording, Python<'_>, Option<*mut ThreadState>) -> u32) -> u32 {
    let done = catch_unwind(AssertUnwindSafe(|| {
        let state = events::attached();
        // SAFETY: every event runs with the GIL held.
        let py = unsafe { Python::assume_attached() };
        recording().map(|recording| events::paused(|| kept_error(py, || action(recording, py, state))))
    }));
    match done {
        Ok(number) => number.unwrap_or(UNKNOWN),
        Err(_) => {
            events::end();
            UNKNOWN
        }
    }
}

/// Runs `action` and leaves the thread's pending exception, if there is one, as it was.
pub(super) fn kept_error<T>(py: Python<'_>, action: impl FnOnce() -> T) -> T {
    let pending = PyErr::take(py);
    let done = action();
    if let Some(pending) = pending {
        pending.restore(py);
    }
    done
}

impl Recording {
    pub(super) fn number(
        &mut self,
        py: Python<'_>,
        key: Key,
        held: Option<usize>,
        name: impl FnOnce(&Bound<'_, PyAny>) -> pyrometer_model::Function,
    ) -> u32 {
        if let Some(number) = self.numbers.get(&key) {
            return number & !HELD;
        }
        if self.known.len() >= MAX_FUNCTIONS {
            return UNKNOWN;
        }
        let object: *mut ffi::PyObject = std::ptr::with_exposed_provenance_mut(held.unwrap_or(0));
        // SAFETY: the interpreter hands out live objects; null is allowed.
        let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, object) };
        let none = py.None().into_bound(py);
        let function = name(object.as_ref().unwrap_or(&none));
        let is_own = !self.plan.package.is_empty()
            && function
                .file
                .strip_prefix(&self.plan.package)
                .is_some_and(|rest| rest.starts_with('/'));
        let number = self.known.len() as u32;
        self.known.push(Known { function, is_own });
        let mark = object.map_or(0, |object| {
            // The recording's reference: given back in `discard`.
            let _ = object.into_ptr();
            HELD
        });
        self.numbers.insert(key, number | mark);
        number
    }

    /// Whether a code object's function was asked for.
    pub(super) fn wants(&mut self, py: Python<'_>, key: Key) -> bool {
        if self.plan.functions.is_empty() {
            return true;
        }
        let number = self.number(py, key, Some(key), names::of_code);
        // Beyond the bound nothing is wanted, since nothing would keep the code object alive.
        let Some(known) = self.known.get(number as usize) else {
            return false;
        };
        let name = &known.function.name;
        self.plan
            .functions
            .iter()
            .any(|pattern| patterns::matches(pattern, name))
    }

    /// Turns threads that have ended into what they did, and gives their descriptors back.
    pub(super) fn sweep(&mut self) {
        let (ended, running): (Vec<_>, Vec<_>) = self.threads.iter().partition(|&&thread| {
            // SAFETY: states live as long as the recording.
            unsafe { &*thread }.has_ended.load(Ordering::Acquire)
        });
        self.threads = running;
        for thread in ended {
            // SAFETY: as above; its thread is gone, so this is the only user.
            let state = unsafe { Box::from_raw(thread) };
            let found = self.calls_of(&state);
            if self.ended.len() < MAX_ENDED {
                self.ended.push(found);
                continue;
            }
            self.merged_ended += 1;
            let last = self.ended.last_mut().expect("the list is full");
            last.name = format!("{} ended threads", self.merged_ended + 1);
            last.profile.merge(&found.profile, CallProfile::ROOT);
            last.irregular.add(&found.irregular);
        }
    }

    fn calls_of(&self, state: &ThreadState) -> ThreadCalls {
        ThreadCalls {
            name: state.name.clone().unwrap_or_else(|| {
                if state.os_thread_id == std::process::id() {
                    "MainThread".to_owned()
                } else {
                    format!("thread {}", state.os_thread_id)
                }
            }),
            os_thread_id: state.os_thread_id,
            profile: calls::profile(&state.tree, &self.known, &self.costs),
            irregular: state.tree.irregular(),
        }
    }

    /// States of the threads that take part.
    pub(super) fn thread_states(&self) -> &[*mut ThreadState] {
        &self.threads
    }

    /// Takes all threads out; ended ones are forgotten.
    pub(super) fn take_threads(&mut self) -> Vec<*mut ThreadState> {
        self.ended.clear();
        std::mem::take(&mut self.threads)
    }

    /// Puts one back.
    pub(super) fn keep_thread(&mut self, thread: *mut ThreadState) {
        self.threads.push(thread);
    }

    /// Charges what passed on the calling thread since its last event.
    pub(super) fn settle(&mut self) {
        if let Some(state) = events::attached() {
            // SAFETY: the calling thread's own state.
            unsafe { &mut *state }.tree.settle();
        }
    }

    /// What every thread did so far. Threads other than the calling one count to their last event.
    pub(super) fn threads(&mut self) -> Vec<ThreadCalls> {
        self.sweep();
        let live = self.threads.iter().map(|&thread| {
            // SAFETY: states live as long as the recording; their threads wait for the GIL.
            self.calls_of(unsafe { &*thread })
        });
        let mut all: Vec<ThreadCalls> = live.collect();
        all.extend(self.ended.iter().cloned());
        if let Some(state) = events::attached() {
            // SAFETY: as above. What this took is not the program's.
            unsafe { &mut *state }.tree.skip();
        }
        all
    }

    /// Names threads that `threading` knows, as pairs of OS thread id and name.
    pub(super) fn name_threads(&mut self, known: &HashMap<u32, String>) {
        for &thread in &self.threads {
            // SAFETY: as above.
            let state = unsafe { &mut *thread };
            if let Some(name) = known.get(&state.os_thread_id) {
                state.name = Some(name.clone());
            }
        }
    }
}

/// Sums of what needed care.
pub(super) fn irregular(threads: &[ThreadCalls]) -> Irregular {
    let mut all = Irregular::default();
    threads.iter().for_each(|thread| all.add(&thread.irregular));
    all
}
