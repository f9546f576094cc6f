//! Whether a thread is executing at a tick: the places of its CPU time (docs/adr/0004).
//!
//! # Where this sits
//! [`Presence`] is found right before a thread's stack is read; [`Sites`] joins it with what the
//! reading says of the GIL. Knows no window.

use std::collections::HashMap;

use pyrometer_unwind::Frame;

use crate::clock;

/// Sites remembered. Beyond it all are forgotten and met anew: 160 KiB.
const MAX_SITES: usize = 4096;

/// The weight of a tick that certainly found the thread executing.
pub(super) const CERTAIN: u32 = 1024;

/// What the kernel says of a thread that has used CPU since it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// On a core right now.
    Running,
    /// It could run, but has no core: the sampler has just taken it, another thread did before, or
    /// it was woken up and has not been given one yet.
    Queued,
    /// Waits for an event.
    Waiting,
}

impl Presence {
    /// The state of a thread of this process whose CPU clock was just read as `cpu_ns`: one more
    /// reading while it runs (0.4 µs), a line of `/proc` besides when it does not (6 µs).
    pub(super) fn of(os_thread_id: u32, cpu_ns: u64) -> Self {
        match clock::thread_cpu_ns(os_thread_id) {
            Some(now_ns) if now_ns > cpu_ns => Self::Running,
            Some(_) if clock::is_runnable(os_thread_id) => Self::Queued,
            _ => Self::Waiting,
        }
    }
}

/// Where threads without the GIL were found: at a wait, or at work that needs no GIL?
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// By leaf frame: samples that found a thread there without the GIL, and how many of them found
    /// it waiting.
    found: HashMap<Frame, (u32, u32)>,
}

impl Sites {
    /// How much a tick says of where CPU is used, up to [`CERTAIN`], for a thread whose stack ends
    /// in `leaf`.
    ///
    /// A queued thread that holds the GIL was interrupted while it executed: threads let go of it
    /// before they wait. One without it either was, in code that needs no GIL, or was just woken up
    /// from a wait. It counts by how often threads there are not waiting.
    pub(super) fn weight(&mut self, presence: Presence, held_gil: bool, leaf: Frame) -> u32 {
        if held_gil {
            return if presence == Presence::Waiting { 0 } else { CERTAIN };
        }
        if self.found.len() == MAX_SITES && !self.found.contains_key(&leaf) {
            self.found.clear();
        }
        let (all, waiting) = self.found.entry(leaf).or_default();
        *all = all.saturating_add(1);
        *waiting = waiting.saturating_add(u32::from(presence == Presence::Waiting));
        match presence {
            Presence::Running => CERTAIN,
            Presence::Queued => (u64::from(CERTAIN) * u64::from(*all - *waiting) / u64::from(*all)) as u32,
            Presence::Waiting => 0,
        }
    }

    /// Forgets all: addresses of code may mean something else by now.
    pub(super) fn clear(&mut self) {
        self.found.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrometer_unwind::Address;

    fn site(instruction: u32) -> Frame {
        Frame {
            code: Address(4096),
            instruction,
        }
    }

    #[test]
    fn a_queued_thread_without_the_gil_counts_by_what_its_site_is() {
        let mut sites = Sites::default();
        assert_eq!(sites.weight(Presence::Queued, true, site(1)), CERTAIN);
        assert_eq!(sites.weight(Presence::Waiting, true, site(1)), 0);
        let mut weights = [
            Presence::Queued,
            Presence::Running,
            Presence::Waiting,
            Presence::Queued,
        ]
        .map(|presence| sites.weight(presence, false, site(2)));
        assert_eq!(weights, [CERTAIN, CERTAIN, 0, CERTAIN * 3 / 4]);
        for _ in 0..996 {
            sites.weight(Presence::Waiting, false, site(2));
        }
        weights[0] = sites.weight(Presence::Queued, false, site(2));
        assert_eq!(weights[0], 4 * CERTAIN / 1001);
        assert_eq!(sites.weight(Presence::Queued, false, site(3)), CERTAIN);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sites = Sites::default();
        for instruction in 0..3 * MAX_SITES as u32 {
            sites.weight(Presence::Waiting, false, site(instruction));
        }
        assert!(sites.found.len() <= MAX_SITES);
    }

    #[test]
    fn the_calling_thread_runs_and_a_sleeping_one_waits() {
        // SAFETY: gettid has no preconditions.
        let me = unsafe { libc::gettid() }.cast_unsigned();
        assert_eq!(Presence::of(me, clock::own_cpu_ns()), Presence::Running);
        let (tell, told) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            // SAFETY: as above.
            tell.send(unsafe { libc::gettid() }.cast_unsigned()).unwrap();
            let _ = released.recv();
        });
        let tid = told.recv().unwrap();
        while clock::is_runnable(tid) {
            std::thread::yield_now();
        }
        let cpu_ns = clock::thread_cpu_ns(tid).unwrap();
        assert_eq!(Presence::of(tid, cpu_ns), Presence::Waiting);
        drop(release);
        sleeper.join().unwrap();
        assert_eq!(Presence::of(0x03ff_ffff, 0), Presence::Waiting);
    }
}
