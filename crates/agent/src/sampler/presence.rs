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

/// How often threads were found in each state.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    running: u32,
    queued: u32,
    waiting: u32,
}

impl Found {
    fn count(&mut self, presence: Presence) {
        let count = match presence {
            Presence::Running => &mut self.running,
            Presence::Queued => &mut self.queued,
            Presence::Waiting => &mut self.waiting,
        };
        *count = count.saturating_add(1);
    }

    /// Whether threads are hardly ever seen running, because the sampler takes the only core.
    fn shares_its_core(self) -> bool {
        u64::from(self.running) * 50 < u64::from(self.queued)
    }
}

/// What becomes of threads without the GIL, by the call they are in: a wait, a short system call, or
/// work that needs no GIL?
#[derive(Debug, Default)]
pub(super) struct Sites {
    without_gil: HashMap<Frame, Found>,
    with_gil: Found,
}

impl Sites {
    /// How much a tick says of where CPU is used, up to [`CERTAIN`], for a thread whose stack ends
    /// in `leaf`.
    ///
    /// A queued thread that holds the GIL was interrupted while it executed: threads let go of it
    /// before they wait. One without it may have been, in code that needs no GIL. It may as well have
    /// been woken up from a wait, or have lost its core at the end of a system call to the thread it
    /// woke up. So it counts by how often threads there are not waiting, and for no more than fits
    /// how often they are running there, where threads with the GIL show what is usual.
    pub(super) fn weight(&mut self, presence: Presence, held_gil: bool, leaf: Frame) -> u32 {
        if held_gil {
            self.with_gil.count(presence);
            return if presence == Presence::Waiting { 0 } else { CERTAIN };
        }
        if self.without_gil.len() == MAX_SITES && !self.without_gil.contains_key(&leaf) {
            self.without_gil.clear();
        }
        let site = self.without_gil.entry(leaf).or_default();
        site.count(presence);
        match presence {
            Presence::Running => CERTAIN,
            Presence::Queued => (f64::from(CERTAIN) * executes(*site, self.with_gil)) as u32,
            Presence::Waiting => 0,
        }
    }

    /// Forgets all: addresses of code may mean something else by now.
    pub(super) fn clear(&mut self) {
        self.without_gil.clear();
    }
}

/// How likely a thread that is queued at a site without the GIL executes there, 0 to 1.
fn executes(site: Found, with_gil: Found) -> f64 {
    let [running, queued, waiting] = [site.running, site.queued, site.waiting].map(f64::from);
    let awake = (running + queued) / (running + queued + waiting);
    if with_gil.shares_its_core() {
        return awake;
    }
    // Each count is one more than seen, so that the first samples say little; and that of the running ones
    // is as high as chance may have hidden, since few are seen where many threads want the cores.
    let usual = (f64::from(with_gil.queued) + 1.0) / (f64::from(with_gil.running) + 1.0);
    let running = running + 1.0;
    awake * ((running + 2.0 * running.sqrt()) * usual / queued).min(1.0)
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

    /// The weight of a queued thread after so many samples at its site, and others with the GIL.
    fn weight_after(at_site: [u32; 3], with_gil: [u32; 2]) -> u32 {
        let mut sites = Sites::default();
        let states = [Presence::Running, Presence::Queued, Presence::Waiting];
        for (presence, count) in states.into_iter().zip(with_gil) {
            (0..count).for_each(|_| assert_eq!(sites.weight(presence, true, site(1)), CERTAIN));
        }
        for (presence, count) in states.into_iter().zip(at_site) {
            (0..count).for_each(|_| _ = sites.weight(presence, false, site(2)));
        }
        sites.weight(Presence::Queued, false, site(2))
    }

    #[test]
    fn a_queued_thread_without_the_gil_counts_by_what_its_site_is() {
        let mut sites = Sites::default();
        assert_eq!(sites.weight(Presence::Waiting, true, site(1)), 0);
        assert_eq!(sites.weight(Presence::Running, false, site(1)), CERTAIN);
        // Compression: queued as often as code with the GIL is.
        assert_eq!(weight_after([199, 99, 0], [399, 199]), CERTAIN);
        // A wait that is left by a queue for a core.
        assert!(weight_after([4, 50, 1700], [1300, 1000]) < CERTAIN / 100);
        // The end of a system call, where the core goes to the thread that was woken up.
        let ends = weight_after([99, 999, 0], [999, 499]);
        assert!((CERTAIN / 25..CERTAIN / 15).contains(&ends), "{ends}");
        // Compression on a crowded machine, hardly ever met on a core.
        assert_eq!(weight_after([1, 80, 0], [30, 570]), CERTAIN);
        // One core for all: nothing is ever seen running.
        assert_eq!(weight_after([0, 99, 0], [0, 99]), CERTAIN);
        assert_eq!(weight_after([0, 49, 50], [1, 999]), CERTAIN / 2);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sites = Sites::default();
        for instruction in 0..3 * MAX_SITES as u32 {
            sites.weight(Presence::Waiting, false, site(instruction));
        }
        assert!(sites.without_gil.len() <= MAX_SITES);
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
