//! A recording across `fork()`: pages are not mapped in the child, and its counts begin at zero.

use super::events;
use super::state::recording;

/// `pthread_atfork` handler of the child: pages of perf events are not mapped here.
extern "C" fn in_forked_child() {
    let Some(recording) = recording() else {
        return;
    };
    for &thread in recording.thread_states() {
        // SAFETY: states live as long as the recording; the child has one thread, this one.
        unsafe { &mut *thread }.tree.forget_page();
    }
}

/// The child of a fork: counts from zero, with a meter of its own; the parent's other threads are gone.
pub(super) fn restart_after_fork() {
    let Some(recording) = recording() else {
        return;
    };
    let own = events::attached();
    let gone = recording.take_threads();
    for thread in gone {
        if Some(thread) == own {
            // SAFETY: the calling thread's own state.
            let state = unsafe { &mut *thread };
            // SAFETY: gettid has no preconditions.
            state.os_thread_id = unsafe { libc::gettid() }.cast_unsigned();
            state.tree.restart(recording.plan.opened.meter());
            recording.keep_thread(thread);
        } else {
            // SAFETY: its thread does not exist in this process.
            drop(unsafe { Box::from_raw(thread) });
        }
    }
}

/// Has [`in_forked_child`] called at every fork from now on, however it is made.
pub(super) fn watch() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler takes no lock and allocates nothing; this library is never unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_forked_child)) };
    });
}
