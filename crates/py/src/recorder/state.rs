//! The one recording of this process: its functions, its threads, and what it found.
//!
//! # Lifetime
//! A recording is made by [`begin`] and lives until the next one begins, since a thread may be inside
//! an event of it when it ends. Everything is reached with the GIL held, through one pointer, and
//! references never outlive a call; the interpreter switches threads only where it runs Python, which
//! happens here in [`events::paused`] sections alone.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_agent::recorder::calls::{self, Known, ThreadCalls};
use pyrometer_agent::recorder::cost::Costs;
use pyrometer_agent::recorder::timer::{Meter, Opened, Timer};
use pyrometer_agent::recorder::tree::{Entry, Irregular, Key, Position, ThreadTree};
use pyrometer_model::CallProfile;

use super::names::CallableTypes;
use super::{eval, events, frames, greenlets, hooks, names, patterns, stack};

/// Functions that are told apart; beyond it they are `(other)`. Each holds its code object.
const MAX_FUNCTIONS: usize = 100_000;

/// Ended threads that are kept apart; beyond it they are merged into one.
const MAX_ENDED: usize = 64;

/// Attempts at a thread's name, one per new node.
const NAME_ATTEMPTS: u8 = 4;

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
    numbers: HashMap<Key, u32>,
    /// Functions that were asked for, as far as they were met.
    chosen: HashSet<Key>,
    types: CallableTypes,
    threads: Vec<*mut ThreadState>,
    ended: Vec<ThreadCalls>,
    merged_ended: u64,
}

/// One thread that takes part.
pub(super) struct ThreadState {
    pub(super) tree: ThreadTree,
    name: Option<String>,
    name_attempts: u8,
    pub(super) os_thread_id: u32,
    has_ended: Arc<AtomicBool>,
    /// Places of the greenlets that do not run now, by address.
    pub(super) greenlets: HashMap<usize, Position>,
    pub(super) follows_greenlets: bool,
    /// Frames that began before and end without an event, by address, outermost first; the first stands for
    /// no frame, so that there are more of them than open functions until the first call.
    pub(super) began_before: Vec<usize>,
}

/// Tells the recording when its thread ends.
struct EndOfThread(Arc<AtomicBool>);

impl Drop for EndOfThread {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

thread_local! {
    static ENDS: RefCell<Vec<EndOfThread>> = const { RefCell::new(Vec::new()) };
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
        recording.number(py, key, Some(key), |code| names::of_code(code))
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
    fn number(
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
    fn wants(&mut self, py: Python<'_>, key: Key) -> bool {
        if self.plan.functions.is_empty() {
            return true;
        }
        let number = self.number(py, key, Some(key), |code| names::of_code(code));
        // Beyond the bound nothing is wanted, since nothing would keep the code object alive.
        let Some(known) = self.known.get(number as usize) else {
            return false;
        };
        let name = &known.function.name;
        self.plan.functions.iter().any(|pattern| patterns::matches(pattern, name))
    }

    /// Turns threads that have ended into what they did, and gives their descriptors back.
    fn sweep(&mut self) {
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

/// Makes the calling thread take part, with the frames that it is in. `is_begin`: the first event is the
/// begin of a function, whose own frame may stand there already.
#[cold]
#[inline(never)]
pub(super) fn attach_thread(is_begin: bool) -> Option<*mut ThreadState> {
    let attached = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: every event runs with the GIL held.
        let py = unsafe { Python::assume_attached() };
        events::paused(|| kept_error(py, || attach(py, is_begin)))
    }));
    let Ok(state) = attached else {
        events::end();
        return None;
    };
    state.inspect(|&state| events::attach(state, stack::floor()))
}

fn attach(py: Python<'_>, is_begin: bool) -> Option<*mut ThreadState> {
    let recording = recording()?;
    recording.sweep();
    let has_ended = Arc::new(AtomicBool::new(false));
    // A thread whose locals are being destroyed records no more.
    ENDS.try_with(|ends| {
        let mut ends = ends.borrow_mut();
        ends.clear();
        ends.push(EndOfThread(Arc::clone(&has_ended)));
    })
    .ok()?;
    let mut state = Box::new(ThreadState {
        tree: ThreadTree::new(recording.plan.opened.meter(), recording.plan.max_nodes),
        name: None,
        name_attempts: 0,
        // SAFETY: gettid has no preconditions.
        os_thread_id: unsafe { libc::gettid() }.cast_unsigned(),
        has_ended,
        greenlets: HashMap::new(),
        follows_greenlets: false,
        began_before: Vec::new(),
    });
    look_around(py, &mut state);
    if recording.plan.functions.is_empty() {
        for key in frames_before(py, is_begin, &mut state.began_before) {
            let number = recording.number(py, key, Some(key), |code| names::of_code(code));
            state.tree.descend(key, || number);
        }
    }
    state.tree.skip();
    let state = Box::into_raw(state);
    recording.threads.push(state);
    Some(state)
}

/// Code objects of the frames that the calling thread is in already, outermost first.
fn frames_before(py: Python<'_>, is_begin: bool, began_before: &mut Vec<usize>) -> Vec<Key> {
    if hooks::see_ends_of_all() {
        let mut codes = frames::codes(py);
        if is_begin && !codes.is_empty() {
            codes.remove(0);
        }
        let keys = codes.iter().rev();
        return keys.map(|code| code.as_ptr().expose_provenance()).collect();
    }
    let frames = eval::frames_without_us(py.version_info().minor);
    began_before.push(0);
    began_before.extend(frames.iter().rev().map(|(frame, _)| *frame));
    frames.iter().rev().map(|(_, key)| *key).collect()
}

/// Ends the frames that began before and are no more: the thread is in `caller` now.
#[cold]
pub(super) fn end_frames(state: &mut ThreadState, caller: usize) {
    let Some(place) = state.began_before.iter().rposition(|&frame| frame == caller) else {
        return;
    };
    while state.began_before.len() > place + 1 {
        state.began_before.pop();
        state.tree.ascend();
    }
}

/// What is looked for while a thread meets new functions: its name, and greenlets.
fn look_around(py: Python<'_>, state: &mut ThreadState) {
    if state.name.is_none() && state.name_attempts < NAME_ATTEMPTS {
        state.name_attempts += 1;
        state.name = frames::thread_name(py);
    }
    if !state.follows_greenlets {
        state.follows_greenlets = greenlets::follow(py);
    }
}

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

/// See [`events::throw`].
pub(super) fn throw(tree: &mut ThreadTree, key: Key) {
    let above = contained_frames(tree.current_key());
    let passage = tree.pass_through(above.into_iter());
    tree.enter(key, Entry::Resume, || number_of_code(key));
    tree.end_passage(passage);
}

/// The frames between the one that is thrown into and `until`, outermost first.
fn contained_frames(until: Option<Key>) -> Vec<(Key, u32)> {
    let found = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: every event runs with the GIL held.
        let py = unsafe { Python::assume_attached() };
        let recording = recording()?;
        if !recording.plan.functions.is_empty() {
            return None;
        }
        events::paused(|| {
            kept_error(py, || {
                let codes = frames::codes(py);
                let end = codes
                    .iter()
                    .position(|code| Some(code.as_ptr().addr()) == until)?;
                let own = usize::from(hooks::frame_stands_at_begin());
                let between = codes[..end].iter().skip(own).rev();
                Some(
                    between
                        .map(|code| {
                            let key = code.as_ptr().expose_provenance();
                            (
                                key,
                                recording.number(py, key, Some(key), |code| names::of_code(code)),
                            )
                        })
                        .collect(),
                )
            })
        })
    }));
    found.ok().flatten().unwrap_or_default()
}

/// Throws away what the calling thread recorded so far and begins anew where it is: calibration.
pub(super) fn replace_tree(meter: Meter, max_nodes: usize) -> Option<ThreadTree> {
    let state = events::attached()?;
    // SAFETY: the calling thread's own state.
    let state = unsafe { &mut *state };
    Some(std::mem::replace(
        &mut state.tree,
        ThreadTree::new(meter, max_nodes),
    ))
}

/// Puts a tree back that [`replace_tree`] took out.
pub(super) fn restore_tree(mut tree: ThreadTree) {
    if let Some(state) = events::attached() {
        tree.skip();
        // SAFETY: the calling thread's own state.
        unsafe { &mut *state }.tree = tree;
    }
}

/// Sums of what needed care.
pub(super) fn irregular(threads: &[ThreadCalls]) -> Irregular {
    let mut all = Irregular::default();
    threads.iter().for_each(|thread| all.add(&thread.irregular));
    all
}
