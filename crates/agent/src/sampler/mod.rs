//! The always-on sampler: one thread that reads the stacks of all Python threads of its process.
//!
//! | module | does |
//! |---|---|
//! | [`codes`] | code objects seen, by address: function and lines, checked for reuse |
//! | [`thread`] | what is remembered of one thread from sample to sample |
//! | [`pace`] | when the next tick is: one at random in every period |
//!
//! A tick takes no GIL, sends no signal, calls no Python, and reads memory only through the kernel
//! (`process_vm_readv`), so it can neither crash nor stop the process. Each thread costs one CPU
//! clock (0.4 µs); a thread whose clock stood still has not changed its stack, so the last one
//! counts again. Cost and faults are counted per window, never logged per sample.

mod codes;
mod pace;
mod thread;

use std::collections::HashMap;
use std::sync::Arc;

use pyrometer_model::{UnixNanos, WindowHealth};
use pyrometer_unwind::{Outcome, OwnProcess, Stack, Target, ThreadSnapshot, Walker};

use crate::clock;
use crate::governor::Governor;
use crate::shared::{Shared, State};
use crate::wake::Wake;
use crate::windows::{Observed, Windows};
use codes::{Codes, Refreshed};
use pace::Pace;
use thread::ThreadState;

/// Longest wall time that one sample stands for: a process that was stopped has not waited.
const MAX_GAP_NS: u64 = 5_000_000_000;
/// Wall clock and monotonic clock may drift this far apart before it counts as a jump.
const MAX_DRIFT_NS: u64 = 1_000_000_000;
/// Readings of one stack until all its code objects were known beforehand.
const MAX_READINGS: usize = 4;
/// Ticks in a row that could not list the threads before the sampler gives up.
const MAX_FAILED_TICKS: u32 = 1000;

/// A thread for as long as the process lives: interpreter, and thread state within it.
type ThreadKey = (u64, u64);

fn key_of(snapshot: &ThreadSnapshot) -> ThreadKey {
    (snapshot.interpreter, snapshot.unique_id)
}

/// The sampler's own memory. It survives a pause of its thread.
#[derive(Debug)]
pub(crate) struct Sampler {
    target: Target<OwnProcess>,
    walker: Walker,
    stack: Stack,
    codes: Codes,
    threads: HashMap<ThreadKey, ThreadState>,
    generation: u32,
    governor: Governor,
    pace: Pace,
    health: WindowHealth,
    window: WindowClock,
    last_tick_ns: Option<u64>,
    cpu_at_window_ns: u64,
    snapshots: Vec<ThreadSnapshot>,
    failed_ticks: u32,
}

/// The open window's start on both clocks: UTC follows the monotonic clock within a window.
#[derive(Clone, Copy, Debug)]
struct WindowClock {
    utc: UnixNanos,
    monotonic_ns: u64,
}

impl WindowClock {
    fn now(self, monotonic_ns: u64) -> UnixNanos {
        UnixNanos(self.utc.0 + monotonic_ns.saturating_sub(self.monotonic_ns))
    }
}

impl Sampler {
    pub(crate) fn new(target: Target<OwnProcess>, shared: &Shared, started: UnixNanos) -> Self {
        let rate_hz = shared.options.rate_hz;
        Self {
            target,
            walker: Walker::new(),
            stack: Stack::default(),
            codes: Codes::default(),
            threads: HashMap::new(),
            generation: 0,
            governor: Governor::new(shared.options.budget, rate_hz),
            pace: Pace::new(started.0 ^ u64::from(shared.worker.pid)),
            health: WindowHealth::default(),
            window: WindowClock {
                utc: started,
                monotonic_ns: clock::monotonic_ns(),
            },
            last_tick_ns: None,
            cpu_at_window_ns: 0,
            snapshots: Vec::new(),
            failed_ticks: 0,
        }
    }

    /// Samples until the agent is told to pause or stop, or cannot go on.
    pub(crate) fn run(&mut self, shared: &Arc<Shared>, wake: &Wake) {
        // CPU of this thread began at 0, whatever a thread before a pause has used.
        self.cpu_at_window_ns = 0;
        let mut due_ns = clock::monotonic_ns();
        while !shared.is_stopping() {
            let now_ns = clock::monotonic_ns();
            if now_ns < due_ns {
                wake.wait_ns(due_ns - now_ns);
                continue;
            }
            let period_ns = 1e9 / self.governor.rate_hz();
            self.health.overruns += u64::from((now_ns - due_ns) as f64 > period_ns);
            self.tick(&mut shared.windows(), now_ns);
            if self.failed_ticks > MAX_FAILED_TICKS {
                shared.set_state(State::Failed);
                return;
            }
            if self.window.now(now_ns) >= shared.windows().open_until() {
                self.close_window(shared, now_ns);
            }
            due_ns = self.pace.due_ns(now_ns, period_ns);
        }
        self.health.agent_cpu_ns += clock::own_cpu_ns().saturating_sub(self.cpu_at_window_ns);
        self.cpu_at_window_ns = clock::own_cpu_ns();
    }

    /// Takes one sample of every thread.
    fn tick(&mut self, windows: &mut Windows, now_ns: u64) {
        self.health.ticks += 1;
        if windows.generation() != self.generation {
            self.generation = windows.generation();
            self.codes.clear();
            self.threads.values_mut().for_each(ThreadState::forget_stack);
        }
        let first = self.last_tick_ns.is_none();
        let since_last_ns = now_ns - self.last_tick_ns.unwrap_or(now_ns);
        self.last_tick_ns = Some(now_ns);
        if self.walker.threads(&self.target, &mut self.snapshots).is_err() {
            self.failed_ticks += 1;
            self.health.torn += 1;
            return;
        }
        self.failed_ticks = 0;
        for index in 0..self.snapshots.len() {
            let snapshot = self.snapshots[index];
            let Some(cpu_ns) = clock::thread_cpu_ns(snapshot.os_thread_id.0) else {
                continue;
            };
            let known = self
                .threads
                .get(&key_of(&snapshot))
                .map(|state| (state.cpu_ns, state.seen_ns));
            let (cpu_before_ns, wall_ns) = match known {
                Some((cpu_before_ns, seen_ns)) => (cpu_before_ns, now_ns - seen_ns),
                // Seen for the first time: it began since the last tick, or was there before us.
                None if first => (cpu_ns, 0),
                None => (0, since_last_ns),
            };
            let observed = Observed {
                samples: 1,
                wall_ns: wall_ns.min(MAX_GAP_NS),
                cpu_ns: cpu_ns.saturating_sub(cpu_before_ns),
            };
            self.sample(windows, &snapshot, observed, cpu_ns, now_ns);
        }
        if self.health.ticks.is_multiple_of(64) {
            self.threads.retain(|_, state| state.seen_ns == now_ns);
            self.codes.bound();
        }
    }

    fn sample(
        &mut self,
        windows: &mut Windows,
        snapshot: &ThreadSnapshot,
        observed: Observed,
        cpu_ns: u64,
        now_ns: u64,
    ) {
        let state = self.threads.entry(key_of(snapshot)).or_default();
        let idle = observed.cpu_ns == 0;
        let reusable = state.stack().filter(|_| idle && state.cpu_ns == cpu_ns);
        state.cpu_ns = cpu_ns;
        state.seen_ns = now_ns;
        if let Some(stack) = reusable {
            windows.add(stack, observed);
            return;
        }
        match self.read_stack(windows, snapshot, now_ns) {
            Outcome::Exact => {}
            Outcome::Salvaged => self.health.salvaged += 1,
            Outcome::Empty => return,
            Outcome::Torn => {
                self.health.torn += 1;
                // The time is not lost: it counts for where the thread was last seen.
                if let Some(stack) = self.threads.get(&key_of(snapshot)).and_then(ThreadState::stack) {
                    windows.add(stack, observed);
                }
                return;
            }
        }
        let Some(state) = self.threads.get_mut(&key_of(snapshot)) else {
            return;
        };
        let stack = state.intern(windows, &self.codes, &self.stack.frames);
        windows.add(stack, observed);
    }

    /// Reads a thread's stack into `self.stack`, with every code object of it known.
    ///
    /// A stack that had an unknown code object is read again once that is copied: only then is it
    /// certain that the copy is of the object that was on the stack.
    fn read_stack(&mut self, windows: &mut Windows, snapshot: &ThreadSnapshot, now_ns: u64) -> Outcome {
        for _ in 0..MAX_READINGS {
            let outcome = self.walker.stack(&self.target, snapshot, &mut self.stack);
            if matches!(outcome, Outcome::Empty | Outcome::Torn) {
                return outcome;
            }
            match self
                .codes
                .refresh(windows, &self.target, &self.stack.frames, now_ns)
            {
                Refreshed::Nothing => return outcome,
                Refreshed::Copied => {}
                Refreshed::Replaced => self.threads.values_mut().for_each(ThreadState::forget_stack),
            }
        }
        Outcome::Torn
    }

    fn close_window(&mut self, shared: &Shared, now_ns: u64) {
        let cpu_ns = clock::own_cpu_ns();
        self.health.agent_cpu_ns += cpu_ns.saturating_sub(self.cpu_at_window_ns);
        self.cpu_at_window_ns = cpu_ns;
        self.health.rate_hz = self.governor.rate_hz().round() as u32;
        let expected = self.window.now(now_ns);
        let wall = clock::wall();
        let next = if wall.0.abs_diff(expected.0) > MAX_DRIFT_NS {
            wall
        } else {
            expected
        };
        let length_ns = now_ns.saturating_sub(self.window.monotonic_ns);
        self.governor.account(self.health.agent_cpu_ns, length_ns);
        shared
            .windows()
            .close(expected, next, std::mem::take(&mut self.health));
        self.window = WindowClock {
            utc: next,
            monotonic_ns: now_ns,
        };
    }

    /// Closes the partial window at the end of the process.
    pub(crate) fn finish(&mut self, shared: &Shared) {
        let now_ns = clock::monotonic_ns();
        let health = std::mem::take(&mut self.health);
        let now = self.window.now(now_ns);
        shared.windows().close(now, now, health);
    }
}
