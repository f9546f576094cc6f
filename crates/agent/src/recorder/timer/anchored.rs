//! CPU time of a thread without a system call: the clock of a while ago, plus the counter since.
//!
//! That holds as long as the thread was not switched out meanwhile, which a [`Watch`] tells. When it was,
//! and after [`ANCHORED_FOR_NS`], the kernel's clock is read anew.

use std::sync::atomic::{Ordering, compiler_fence};

use super::counter::{self, Rate};
use crate::clock;

/// Longest stretch that is measured by the counter alone, ns: bounds what an error of its rate does.
const ANCHORED_FOR_NS: u64 = 1_000_000;

/// Attempts at an anchor that no switch interrupted.
const ATTEMPTS: usize = 8;

/// Something that the kernel changes when it switches the thread out.
pub trait Watch {
    /// Watches from now on.
    fn arm(&mut self);
    /// Whether the thread has run without a break since.
    fn is_armed(&self) -> bool;
    /// Makes [`Watch::is_armed`] false until it is armed again.
    fn disarm(&mut self);
}

/// CPU time of the thread that made it.
#[derive(Debug)]
pub struct Anchored<W> {
    watch: W,
    base_ns: u64,
    base_count: u64,
    longest: u64,
    rate: Rate,
}

impl<W: Watch> Anchored<W> {
    /// For the calling thread, with its own watch.
    pub fn new(watch: W, rate: Rate) -> Self {
        let mut clock = Self {
            watch,
            base_ns: 0,
            base_count: 0,
            longest: rate.counts(ANCHORED_FOR_NS),
            rate,
        };
        clock.anchor();
        clock
    }

    /// CPU time so far, ns.
    #[inline(always)]
    pub fn read(&mut self) -> u64 {
        // The counter first: were the thread switched out between the two, the watch would tell.
        let count = counter::read();
        compiler_fence(Ordering::SeqCst);
        let passed = count.wrapping_sub(self.base_count);
        if self.watch.is_armed() && passed < self.longest {
            return self.base_ns + self.rate.ns(passed);
        }
        self.anchor()
    }

    #[cold]
    #[inline(never)]
    fn anchor(&mut self) -> u64 {
        for _ in 0..ATTEMPTS {
            self.watch.arm();
            compiler_fence(Ordering::SeqCst);
            let before = counter::read();
            let base_ns = clock::own_cpu_ns();
            let after = counter::read();
            compiler_fence(Ordering::SeqCst);
            if self.watch.is_armed() {
                self.base_ns = base_ns;
                self.base_count = before + after.wrapping_sub(before) / 2;
                return base_ns + self.rate.ns(after.wrapping_sub(self.base_count));
            }
        }
        self.watch.disarm();
        clock::own_cpu_ns()
    }

    /// Whether the watch does here what it must: it notices that the thread sleeps, and the time measured
    /// agrees with the kernel's clock. Takes about 0.3 ms.
    #[must_use]
    pub fn is_right(&mut self) -> bool {
        const SPIN_NS: u64 = 200_000;
        self.watch.arm();
        std::thread::sleep(std::time::Duration::from_micros(50));
        if self.watch.is_armed() {
            return false;
        }
        let (start, clock_start) = (self.read(), clock::own_cpu_ns());
        while clock::own_cpu_ns() - clock_start < SPIN_NS {}
        let (measured, clock) = (
            self.read().saturating_sub(start),
            clock::own_cpu_ns() - clock_start,
        );
        measured.abs_diff(clock) < clock / 10 + 5_000
    }

    pub(super) fn into_watch(self) -> W {
        self.watch
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::PageWatch;
    use super::super::sequence::SequenceWatch;
    use super::*;

    /// `None` where this machine has no such watch.
    fn check(watch: Option<impl Watch>) {
        let Some(watch) = watch else {
            eprintln!("not run: this machine has no such watch");
            return;
        };
        let mut clock = Anchored::new(watch, Rate::measured());
        assert!(clock.is_right());
        let start = (clock.read(), clock::own_cpu_ns());
        for round in 0..2_000_000_u32 {
            clock.read();
            if round % 50_000 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        // After a sleep the next reading is the clock's, whatever a hypervisor took before.
        std::thread::sleep(std::time::Duration::from_millis(1));
        let by_clock = clock::own_cpu_ns() - start.1;
        let measured = clock.read() - start.0;
        assert!(
            measured.abs_diff(by_clock) < by_clock / 100 + 50_000,
            "{measured} {by_clock}"
        );
    }

    /// More threads than cores, so that they are switched out without sleeping.
    fn check_crowded<W: Watch>(open: impl Fn() -> Option<W> + Sync) {
        let crowd = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..crowd {
                scope.spawn(|| check(open()));
            }
        });
    }

    #[test]
    fn cpu_time_by_a_perf_page_is_that_of_the_clock() {
        check_crowded(|| PageWatch::open().ok());
    }

    #[test]
    fn cpu_time_by_restartable_sequences_is_that_of_the_clock() {
        check_crowded(SequenceWatch::find);
    }

    #[test]
    fn a_watch_that_notices_nothing_is_not_right() {
        struct Blind;
        impl Watch for Blind {
            fn arm(&mut self) {}
            fn is_armed(&self) -> bool {
                true
            }
            fn disarm(&mut self) {}
        }
        assert!(!Anchored::new(Blind, Rate::measured()).is_right());
    }
}
