//! For which submitter each thread of a pool works: thread ids and places of creation.
//!
//! Threads write their own entry, holding the GIL; the sampler reads. Nothing is locked. A table that is
//! full leaves a thread's stack as it is.

use std::sync::atomic::{AtomicU64, Ordering};

/// Threads that may work for somebody at once: 16 KiB.
const MAX_THREADS: usize = 2048;
/// Places looked at for one thread.
const PROBES: usize = 16;

/// Each entry is a thread id and, in the lower half, the number of an origin; 0 is free.
#[derive(Debug)]
pub(crate) struct Submitted(Box<[AtomicU64]>);

impl Submitted {
    pub(crate) fn new() -> Self {
        Self((0..MAX_THREADS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Sets what a thread works for, 0 for nothing; returns what it was. Only by the thread itself.
    pub(crate) fn replace(&self, thread: u32, origin: u32) -> u32 {
        let entry = u64::from(thread) << 32 | u64::from(origin);
        let entry = if origin == 0 { 0 } else { entry };
        if let Some(own) = self.probe(thread).find(|own| thread_of(own) == thread) {
            return own.swap(entry, Ordering::Relaxed) as u32;
        }
        if origin != 0 {
            let is_taken = |free: &AtomicU64| {
                free.compare_exchange(0, entry, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            };
            let _full = self.probe(thread).find(|free| is_taken(free));
        }
        0
    }

    /// What a thread works for, 0 for nothing.
    pub(crate) fn get(&self, thread: u32) -> u32 {
        let entries = self.probe(thread).map(|entry| entry.load(Ordering::Relaxed));
        entries
            .filter(|entry| (entry >> 32) as u32 == thread)
            .map(|entry| entry as u32)
            .next()
            .unwrap_or(0)
    }

    fn probe(&self, thread: u32) -> impl Iterator<Item = &AtomicU64> {
        (0..PROBES).map(move |step| &self.0[(thread as usize + step) % MAX_THREADS])
    }
}

fn thread_of(entry: &AtomicU64) -> u32 {
    (entry.load(Ordering::Relaxed) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_works_for_one_submitter_at_a_time() {
        let submitted = Submitted::new();
        assert_eq!(submitted.get(7), 0);
        assert_eq!(submitted.replace(7, 3), 0);
        assert_eq!(submitted.replace(7 + MAX_THREADS as u32, 4), 0);
        assert_eq!((submitted.get(7), submitted.get(7 + MAX_THREADS as u32)), (3, 4));
        assert_eq!(submitted.replace(7, 5), 3);
        assert_eq!(submitted.replace(7, 0), 5);
        assert_eq!(submitted.get(7), 0);
    }

    #[test]
    fn more_threads_than_places_do_no_harm() {
        let submitted = Submitted::new();
        for thread in 1..=3 * MAX_THREADS as u32 {
            submitted.replace(thread, thread);
        }
        let known = (1..=3 * MAX_THREADS as u32).filter(|&thread| submitted.get(thread) == thread);
        assert_eq!(known.count(), MAX_THREADS);
    }
}
