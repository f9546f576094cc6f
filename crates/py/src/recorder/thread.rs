//! One thread that takes part in a recording: how it joins, with the frames that it is in already.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyrometer_agent::recorder::timer::Meter;
use pyrometer_agent::recorder::tree::{Entry, Key, Position, ThreadTree};

use super::state::{kept_error, number_of_code, recording};
use super::{eval, events, frames, greenlets, hooks, keep, names, stack};

/// Attempts at a thread's name, one per new node.
const NAME_ATTEMPTS: u8 = 4;

/// One thread that takes part.
pub(super) struct ThreadState {
    pub(super) tree: ThreadTree,
    pub(super) name: Option<String>,
    name_attempts: u8,
    pub(super) os_thread_id: u32,
    pub(super) has_ended: Arc<AtomicBool>,
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
    state.tree.on_time(keep::time_passed);
    look_around(py, &mut state);
    if recording.plan.functions.is_empty() {
        for key in frames_before(py, is_begin, &mut state.began_before) {
            let number = recording.number(py, key, Some(key), names::of_code);
            state.tree.descend(key, || number);
        }
    }
    state.tree.skip();
    let state = Box::into_raw(state);
    recording.keep_thread(state);
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
pub(super) fn look_around(py: Python<'_>, state: &mut ThreadState) {
    if state.name.is_none() && state.name_attempts < NAME_ATTEMPTS {
        state.name_attempts += 1;
        state.name = frames::thread_name(py);
    }
    if !state.follows_greenlets {
        state.follows_greenlets = greenlets::follow(py);
    }
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
                            (key, recording.number(py, key, Some(key), names::of_code))
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
