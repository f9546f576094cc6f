//! One thread that is sampled from outside.
//!
//! While it executes, each tick reads its stack and its state. Once it is found waiting, only its
//! scheduler statistics are read: as long as they stand still, so does its stack. After a while
//! that is done in one tick of [`QUIET_PERIOD`] only, and the tick that finds it executing again
//! counts for those that were left out.
//!
//! How much CPU a thread used is exact, by the kernel's account; where, is sampled, as in the agent
//! ([`crate::sampler::cpu`]).

use pyrometer_model::StackId;

use super::kernel::{Scheduled, Stat, ThreadFiles};
use super::observations::{Observations, Presence};
use crate::sampler::thread::ThreadState;

/// Ticks after which a waiting thread is looked at less often.
const QUIET_AFTER: u32 = 20;
/// How much less often: every so many ticks.
const QUIET_PERIOD: u32 = 5;
/// A thread that can run but whose account stood still for so long waits for a core. The account of
/// `stat` comes in steps of 10 ms, rounded twice.
const STARVED_NS: u64 = 50_000_000;

/// Whether the CPU that threads used before they were seen belongs to the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It was there before us.
    Foreign,
    /// It started while we watched.
    Ours,
}

/// One thread.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) state: ThreadState,
    pub(super) files: ThreadFiles,
    pub(super) number: u32,
    /// Read before the last reading of its stack, which it waited in.
    pub(super) scheduled: Option<Scheduled>,
    pub(super) delay_ns: u64,
    /// CPU time of `stat`.
    pub(super) coarse_cpu_ns: u64,
    /// When that last moved.
    advanced_ns: u64,
    /// Where cores are contended: up to where its account has found places, and the samples since.
    placed_ns: u64,
    unplaced: Vec<StackId>,
    unplaced_wall_ns: u64,
    pub(super) is_executing: bool,
    pub(super) held_gil: bool,
    pub(super) quiet_ticks: u32,
    pub(super) unchecked_ticks: u32,
}

impl Watched {
    pub(super) fn new(files: ThreadFiles, past: Past, number: u32, now_ns: u64) -> Self {
        let scheduled = files.scheduled();
        let used_ns = match past {
            Past::Foreign => scheduled.map_or_else(
                || files.stat().map_or(0, |stat| stat.cpu_ns),
                |scheduled| scheduled.run_ns,
            ),
            Past::Ours => 0,
        };
        Self {
            state: ThreadState::new(used_ns, now_ns),
            files,
            number,
            scheduled: None,
            delay_ns: scheduled.map_or(0, |scheduled| scheduled.delay_ns),
            coarse_cpu_ns: 0,
            advanced_ns: now_ns,
            placed_ns: used_ns,
            unplaced: Vec::new(),
            unplaced_wall_ns: 0,
            is_executing: false,
            held_gil: false,
            quiet_ticks: 0,
            unchecked_ticks: 0,
        }
    }

    /// Forgets samples that wait for their weight.
    pub(super) fn forget_unplaced(&mut self) {
        self.unplaced.clear();
        self.unplaced_wall_ns = 0;
    }

    pub(super) fn presence(&self) -> Presence {
        Presence {
            is_executing: self.is_executing,
            holds_gil: self.held_gil,
        }
    }

    /// Whether the thread still waits where it was found. Counts the CPU that it used if it does
    /// not. `None` when it has ended.
    pub(super) fn stands_still(&mut self) -> Option<bool> {
        if self.is_executing {
            return Some(false);
        }
        let is_quiet = self.quiet_ticks >= QUIET_AFTER && self.unchecked_ticks < QUIET_PERIOD;
        if is_quiet && self.scheduled.is_some() {
            return Some(true);
        }
        let Some(scheduled) = self.files.scheduled() else {
            // It has ended, or there are no statistics: then it is read in every tick.
            return self.files.stat().map(|_| false);
        };
        self.account(scheduled.run_ns);
        if self.scheduled.replace(scheduled) != Some(scheduled) {
            return Some(false);
        }
        self.unchecked_ticks = 0;
        self.quiet_ticks += 1;
        Some(true)
    }

    /// Whether it could run, by its state, and has lately.
    pub(super) fn could_run(&mut self, stat: Stat, now_ns: u64) -> bool {
        if stat.cpu_ns != self.coarse_cpu_ns || stat.state != b'R' {
            self.coarse_cpu_ns = stat.cpu_ns;
            self.advanced_ns = now_ns;
        }
        stat.state == b'R' && now_ns - self.advanced_ns < STARVED_NS
    }

    /// Where cores are contended, a thread that can run mostly waits for one, and would count again
    /// and again where it was taken off it. So what its account grows by is shared out among the
    /// samples since it last grew: a slice of CPU weighs what it is, however long the wait was.
    pub(super) fn place_contended(&mut self, stack: StackId, run_ns: u64, wall_ns: u64) {
        const UNIT_NS: u64 = 1000;
        if self.is_executing {
            self.unplaced.push(stack);
            self.unplaced_wall_ns += wall_ns;
        }
        let grown_ns = run_ns.saturating_sub(self.placed_ns).min(self.unplaced_wall_ns);
        self.placed_ns = self.placed_ns.max(run_ns);
        if grown_ns > 0 && !self.unplaced.is_empty() {
            let weight = (grown_ns / UNIT_NS / self.unplaced.len() as u64).max(1);
            for stack in self.unplaced.drain(..) {
                self.state
                    .cpu
                    .found_executing(stack.into(), u32::try_from(weight).unwrap_or(u32::MAX));
            }
            self.unplaced_wall_ns = 0;
        }
    }

    pub(super) fn account(&mut self, run_ns: u64) {
        self.state.cpu.use_ns(run_ns.saturating_sub(self.state.cpu_ns));
        self.state.cpu_ns = self.state.cpu_ns.max(run_ns);
    }

    pub(super) fn settle_for_good(&mut self, out: &mut Observations) {
        let (number, last) = (self.number, self.state.stack());
        self.state
            .cpu
            .settle_for_good(last.map(Into::into), |place, nanoseconds| {
                out.add_cpu(number, place.stack, nanoseconds)
            });
        out.end(number);
    }
}
