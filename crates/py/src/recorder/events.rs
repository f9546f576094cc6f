//! What a hook says, and the way from there to the tree of the running thread. The hot path.
//!
//! A thread finds its tree through a thread-local pointer that is valid for one recording, told by
//! its generation. Everything that happens once per thread or function is in `state`.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use pyrometer_agent::recorder::tree::{Entry, Key, ThreadTree};

use super::state;
use super::thread::{self, ThreadState};

/// Number of the recording that runs; no thread's number while none runs.
static GENERATION: AtomicU32 = AtomicU32::new(NONE);

/// No recording runs.
const NONE: u32 = 0;

/// The number of a thread that is to record nothing now: the recorder itself calls Python there.
const PAUSED: u32 = u32::MAX;

struct Local {
    generation: Cell<u32>,
    state: Cell<*mut ThreadState>,
    /// Below it the thread has used half of its C stack; see `eval`.
    floor: Cell<usize>,
}

thread_local! {
    static LOCAL: Local = const {
        Local { generation: Cell::new(PAUSED - 1), state: Cell::new(std::ptr::null_mut()), floor: Cell::new(0) }
    };
}

/// Begins recording number `generation`: every thread attaches itself at its next event.
pub(super) fn begin(generation: u32) {
    GENERATION.store(generation, Ordering::Relaxed);
}

/// Ends recording: events are ignored from now on.
pub(super) fn end() {
    GENERATION.store(NONE, Ordering::Relaxed);
}

/// Makes `state` that of the calling thread for the recording that runs.
pub(super) fn attach(state: *mut ThreadState, floor: usize) {
    LOCAL.with(|local| {
        local.floor.set(floor);
        local.state.set(state);
        local.generation.set(GENERATION.load(Ordering::Relaxed));
    });
}

/// Whether a recording runs.
pub(super) fn is_running() -> bool {
    GENERATION.load(Ordering::Relaxed) != NONE
}

/// Whether an address on the calling thread's stack lies in its lower half.
#[inline(always)]
pub(super) fn is_below_floor(address: usize) -> bool {
    LOCAL.with(|local| address < local.floor.get())
}

/// The calling thread's state, if it takes part in the recording that runs.
pub(super) fn attached() -> Option<*mut ThreadState> {
    let generation = GENERATION.load(Ordering::Relaxed);
    LOCAL
        .with(|local| (generation != NONE && local.generation.get() == generation).then(|| local.state.get()))
}

/// Leaves out what passed on the calling thread since its last event: the recorder itself was at work.
pub(super) fn skip() {
    if let Some(state) = attached() {
        // SAFETY: the calling thread's own state.
        unsafe { &mut *state }.tree.skip();
    }
}

/// Runs `action` with the calling thread's events ignored.
pub(super) fn paused<T>(action: impl FnOnce() -> T) -> T {
    let before = LOCAL.with(|local| local.generation.replace(PAUSED));
    let done = action();
    LOCAL.with(|local| local.generation.set(before));
    done
}

/// The tree of the calling thread; attaches it first where it is new. `None` when nothing is to be
/// recorded.
#[inline(always)]
fn tree(is_begin: bool) -> Option<&'static mut ThreadTree> {
    state(is_begin).map(|state| &mut state.tree)
}

/// The state of the calling thread; attaches it first where it is new.
#[inline(always)]
fn state(is_begin: bool) -> Option<&'static mut ThreadState> {
    let generation = GENERATION.load(Ordering::Relaxed);
    let (own, state) = LOCAL.with(|local| (local.generation.get(), local.state.get()));
    let state = if own == generation {
        state
    } else if generation == NONE || own == PAUSED {
        return None;
    } else {
        thread::attach_thread(is_begin)?
    };
    // SAFETY: the pointer was made in this recording, whose states live until the next one begins;
    // only the thread itself uses its tree while the recording runs, or somebody with the GIL, which
    // is ours here.
    Some(unsafe { &mut *state })
}

/// A function begins or goes on.
#[inline(always)]
pub(super) fn enter(key: Key, entry: Entry) {
    if let Some(tree) = tree(true) {
        tree.enter(key, entry, || state::number_of_code(key));
    }
}

/// A function begins or goes on, called from the frame that `caller` gives. Frames that began before
/// the recording end without an event where hooks see calls alone: they are told by their place.
#[inline(always)]
pub(super) fn enter_below(key: Key, entry: Entry, caller: impl FnOnce() -> usize) {
    if let Some(state) = state(true) {
        if state.began_before.len() > state.tree.depth() {
            thread::end_frames(state, caller());
        }
        state.tree.enter(key, entry, || state::number_of_code(key));
    }
}

/// A function ends or is suspended.
#[inline(always)]
pub(super) fn leave(key: Key) {
    if let Some(tree) = tree(false) {
        tree.leave(key);
    }
}

/// A function ends that may not have been announced.
#[inline]
pub(super) fn leave_if_current(key: Key) {
    if let Some(tree) = tree(false)
        && tree.current_key() == Some(key)
    {
        tree.leave(key);
    }
}

/// A function begins, if this thread has met it at this place. The hot path where only some functions are
/// wanted: nothing is looked up by name.
#[inline]
pub(super) fn enter_known(key: Key) -> bool {
    tree(true).is_some_and(|tree| tree.enter_known(key))
}

/// A function in C begins; `callable` is alive during the call.
#[inline]
pub(super) fn enter_c(key: Key, callable: *mut pyo3::ffi::PyObject) {
    if let Some(tree) = tree(true) {
        tree.enter(key, Entry::CCall, || state::number_of_callable(key, callable));
    }
}

/// A generator or coroutine goes on, since somebody throws into it, perhaps through its awaiters.
#[cold]
#[inline(never)]
pub(super) fn throw(key: Key) {
    if let Some(tree) = tree(true) {
        thread::throw(tree, key);
    }
}
