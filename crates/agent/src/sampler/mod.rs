//! The always-on sampler: one thread that reads the stacks of all Python threads of its process.
//!
//! | module | does |
//! |---|---|
//! | [`codes`] | code objects seen, by address: function and lines, checked for reuse |
//! | [`thread`] | what is remembered of one thread from sample to sample |
//! | [`cpu`] | which stacks a thread's CPU time belongs to |
//! | [`presence`] | whether a thread is executing at a tick |
//! | [`pace`] | when the next tick is: one at random in every period |
//! | [`labels`] | the labels in force in a thread |
//! | [`window_clock`] | where windows begin and end when the wall clock jumps |
//! | [`tasks`] | asyncio: the stack of a task in place of the event loop's |
//! | [`greenlets`] | greenlets: what the running one was spawned by |
//! | [`suspended`] | asyncio: where suspended tasks wait, at a lower rate |
//!
//! A tick takes no GIL, sends no signal, calls no Python, and reads memory only through the kernel
//! (`process_vm_readv`), so it can neither crash nor stop the process. Each thread costs one CPU
//! clock (0.4 µs); a thread whose clock stood still has not changed its stack, so the last one
//! counts again. Wall time is the distance of two ticks; CPU time is exact per thread and shared out
//! over the stacks it was found executing ([`cpu`]). Cost and faults are counted per window, never
//! logged per sample.

pub(crate) mod codes;
pub(crate) mod cpu;
mod greenlets;
mod labels;
pub(crate) mod pace;
mod presence;
mod suspended;
mod tasks;
pub(crate) mod thread;
mod window_clock;

use std::collections::HashMap;
use std::sync::Arc;

use pyrometer_model::{StackId, UnixNanos, WindowHealth};
use pyrometer_unwind::{Gil, Outcome, OwnProcess, Stack, Target, ThreadSnapshot, Walker};

use crate::clock;
use crate::governor::Governor;
use crate::labelled::Place;
use crate::observed::Observed;
use crate::reserve;
use crate::shared::{Shared, State};
use crate::wake::Wake;
use crate::windows::Windows;
use codes::{Codes, Refreshed};
use greenlets::Switches;
use labels::ThreadLabels;
use pace::Pace;
use presence::{CERTAIN, Presence, Sites};
use suspended::Suspended;
use tasks::Joiner;
use thread::ThreadState;
use window_clock::WindowClock;

/// Longest wall time that one sample stands for: a process that was stopped has not waited.
const MAX_GAP_NS: u64 = 5_000_000_000;
/// Readings of one stack until all its code objects were known beforehand.
const MAX_READINGS: usize = 4;
/// Age up to which the list of threads is used: a new thread is noticed this late at most, with all
/// the CPU that it has used.
const LIST_EVERY_NS: u64 = 50_000_000;
/// Ticks between two looks for threads that have ended.
const TICKS_PER_SWEEP: u64 = 64;
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
    sites: Sites,
    labels: ThreadLabels,
    threads: HashMap<ThreadKey, ThreadState>,
    generation: u32,
    governor: Governor,
    pace: Pace,
    joiner: Joiner,
    switches: Switches,
    suspended: Suspended,
    health: WindowHealth,
    window: WindowClock,
    last_tick_ns: Option<u64>,
    cpu_at_window_ns: u64,
    snapshots: Vec<ThreadSnapshot>,
    listed_ns: u64,
    failed_ticks: u32,
    period_ns: f64,
}

impl Sampler {
    pub(crate) fn new(target: Target<OwnProcess>, shared: &Shared, started: UnixNanos) -> Self {
        let rate_hz = shared.options.rate_hz;
        Self {
            target,
            walker: Walker::new(),
            stack: Stack::default(),
            codes: Codes::default(),
            sites: Sites::default(),
            labels: ThreadLabels::default(),
            threads: HashMap::new(),
            generation: 0,
            governor: Governor::new(shared.options.budget, rate_hz),
            pace: Pace::new(started.0 ^ u64::from(shared.worker.pid)),
            joiner: Joiner::new(started.0),
            switches: Switches::default(),
            suspended: Suspended::default(),
            health: WindowHealth::default(),
            window: WindowClock {
                utc: started,
                monotonic_ns: clock::monotonic_ns(),
            },
            last_tick_ns: None,
            cpu_at_window_ns: 0,
            snapshots: Vec::new(),
            listed_ns: 0,
            failed_ticks: 0,
            period_ns: 1e9 / f64::from(rate_hz),
        }
    }

    /// Samples until the agent is told to pause or stop, or cannot go on.
    pub(crate) fn run(&mut self, shared: &Arc<Shared>, wake: &Wake) {
        // CPU of this thread began at 0, whatever a thread before a pause has used.
        self.cpu_at_window_ns = 0;
        let (mut spent_ns, mut owed_ns) = (0, 0);
        let mut due_ns = clock::monotonic_ns();
        while !shared.is_stopping() {
            let now_ns = clock::monotonic_ns();
            if now_ns < due_ns {
                wake.wait_ns(due_ns - now_ns);
                continue;
            }
            if self.window.now(now_ns) >= shared.windows().open_until() {
                self.close_window(shared, now_ns);
            }
            // Where ticks are paused for, that is their distance.
            self.period_ns = (1e9 / self.governor.rate_hz()).max(owed_ns as f64);
            self.health.overruns += u64::from((now_ns - due_ns) as f64 > self.period_ns);
            self.tick(&mut shared.windows(), now_ns);
            shared.set_indirect_fd(self.target.memory().indirect_fd());
            if reserve::is_drawn_on() {
                shared.set_state(State::OutOfMemory);
                return;
            }
            if self.failed_ticks > MAX_FAILED_TICKS {
                shared.set_state(State::Failed);
                return;
            }
            let cpu_ns = clock::own_cpu_ns();
            owed_ns = self.governor.spend(cpu_ns - spent_ns, clock::monotonic_ns());
            spent_ns = cpu_ns;
            due_ns = self.pace.due_ns(now_ns, self.period_ns).max(now_ns + owed_ns);
        }
        self.account_cpu();
    }

    /// Adds what this thread has used since the last time to the open window.
    fn account_cpu(&mut self) {
        let cpu_ns = clock::own_cpu_ns();
        self.health.agent_cpu_ns += cpu_ns.saturating_sub(self.cpu_at_window_ns);
        self.cpu_at_window_ns = cpu_ns;
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
        if !self.list_threads(now_ns) {
            return;
        }
        for index in 0..self.snapshots.len() {
            let snapshot = self.snapshots[index];
            let Some(cpu_ns) = clock::thread_cpu_ns(snapshot.os_thread_id.0) else {
                // It has ended: the list is not what it was.
                self.listed_ns = 0;
                continue;
            };
            let state = self
                .threads
                .entry(key_of(&snapshot))
                .or_insert_with(|| match first {
                    // It was there before us: what it has used so far is not ours to count.
                    true => ThreadState::new(cpu_ns, now_ns),
                    false => ThreadState::new(0, now_ns - since_last_ns),
                });
            let wall_ns = (now_ns - state.seen_ns).min(MAX_GAP_NS);
            let used_ns = cpu_ns.saturating_sub(state.cpu_ns);
            state.cpu.use_ns(used_ns);
            state.cpu_ns = cpu_ns;
            state.seen_ns = now_ns;
            let mut observed = Observed {
                samples: 1,
                wall_ns,
                cpu_ns: 0,
            };
            match state.place() {
                // Its clock stood still since before the last reading: the stack has not changed.
                Some(place) if used_ns == 0 => windows.add(place, observed),
                _ => {
                    let presence = match used_ns {
                        0 => Presence::Waiting,
                        _ => Presence::of(snapshot.os_thread_id.0, cpu_ns),
                    };
                    let Some(stack) = self.stack_of(windows, &snapshot, now_ns) else {
                        continue;
                    };
                    let weight = match self.stack.frames.first() {
                        Some(leaf) if used_ns > 0 => {
                            self.sites.weight(presence, self.stack.gil == Gil::Held, *leaf)
                        }
                        _ => 0,
                    };
                    let labels = self.labels.of(&self.target, &snapshot);
                    let place = Place { labels, stack };
                    if let Some(state) = self.threads.get_mut(&key_of(&snapshot)) {
                        state.labels = labels;
                        if weight > 0 {
                            observed.cpu_ns = self.period_ns as u64 * u64::from(weight) / u64::from(CERTAIN);
                            state.cpu.found_executing(place, weight);
                        }
                    }
                    windows.add(place, observed);
                }
            }
        }
        self.suspended
            .walk(&mut self.joiner, &self.target, &mut self.codes, windows, now_ns);
        if self.health.ticks.is_multiple_of(TICKS_PER_SWEEP) {
            self.forget_ended(windows, now_ns);
            self.codes.bound();
        }
    }

    /// Brings the list of threads up to date, unless it is a few ticks old at most.
    fn list_threads(&mut self, now_ns: u64) -> bool {
        if now_ns - self.listed_ns < LIST_EVERY_NS {
            return true;
        }
        let listed = self.walker.threads(&self.target, &mut self.snapshots).is_ok();
        self.failed_ticks = if listed { 0 } else { self.failed_ticks + 1 };
        self.health.torn += u64::from(!listed);
        self.listed_ns = if listed { now_ns } else { 0 };
        listed
    }

    /// The stack that a thread has now; `None` when it runs no Python code, or has ended.
    fn stack_of(&mut self, windows: &mut Windows, snapshot: &ThreadSnapshot, now_ns: u64) -> Option<StackId> {
        match self.read_stack(windows, snapshot, now_ns) {
            Outcome::Exact => {}
            Outcome::Salvaged => self.health.salvaged += 1,
            Outcome::Empty => return None,
            Outcome::Torn => {
                self.health.torn += 1;
                // The sample is not lost: it counts for where the thread was last seen.
                return self.threads.get(&key_of(snapshot)).and_then(ThreadState::stack);
            }
        }
        let state = self.threads.get_mut(&key_of(snapshot))?;
        Some(state.intern(windows, &self.codes, &self.stack.frames))
    }

    /// Forgets threads that were not in the list of this tick.
    fn forget_ended(&mut self, windows: &mut Windows, now_ns: u64) {
        self.threads.retain(|_, state| {
            let lives = state.seen_ns == now_ns;
            if !lives {
                let last = state.place();
                state
                    .cpu
                    .settle_for_good(last, |place, nanoseconds| windows.add_cpu(place, nanoseconds));
            }
            lives
        });
    }

    /// Reads a thread's stack into `self.stack`, with every code object of it known.
    ///
    /// A stack that had an unknown code object is read again once that is copied: only then is it
    /// certain that the copy is of the object that was on the stack.
    fn read_stack(&mut self, windows: &mut Windows, snapshot: &ThreadSnapshot, now_ns: u64) -> Outcome {
        for reading in 1..=MAX_READINGS {
            let running = self.switches.running(&self.target, snapshot, now_ns);
            let outcome = self.walker.stack(&self.target, snapshot, &mut self.stack);
            if matches!(outcome, Outcome::Empty | Outcome::Torn) {
                return outcome;
            }
            let is_last = reading == MAX_READINGS;
            if running.is_some()
                && !is_last
                && running != self.switches.running(&self.target, snapshot, now_ns)
            {
                continue;
            }
            self.switches.join(&self.target, running, &mut self.stack);
            self.joiner.join(&self.target, &self.codes, &mut self.stack);
            self.joiner
                .join_thread(&self.codes, snapshot.os_thread_id.0, &mut self.stack);
            match self
                .codes
                .refresh(windows, &self.target, &self.stack.frames, now_ns)
            {
                Refreshed::Nothing => return outcome,
                Refreshed::Copied => {}
                Refreshed::Replaced => {
                    self.walker.forget_codes();
                    self.sites.clear();
                    self.threads.values_mut().for_each(ThreadState::forget_stack);
                }
            }
        }
        Outcome::Torn
    }

    fn settle_cpu(&mut self, windows: &mut Windows) {
        for state in self.threads.values_mut() {
            state
                .cpu
                .settle(|place, nanoseconds| windows.add_cpu(place, nanoseconds));
        }
    }

    /// Closes the open window where it should end, on the wall clock, and opens the next one there.
    fn close_window(&mut self, shared: &Shared, now_ns: u64) {
        self.account_cpu();
        let next = self.window.next(now_ns, clock::wall());
        let length_ns = now_ns.saturating_sub(self.window.monotonic_ns);
        self.health.rate_hz = self.governor.kept_hz(self.health.ticks, length_ns);
        self.governor
            .account(self.health.agent_cpu_ns, length_ns, self.health.ticks);
        let mut windows = shared.windows();
        self.settle_cpu(&mut windows);
        let end = windows.open_until();
        windows.close(end, next.utc, std::mem::take(&mut self.health));
        drop(windows);
        self.window = next;
    }

    /// Closes the partial window at the end of the process.
    pub(crate) fn finish(&mut self, shared: &Shared) {
        let now_ns = clock::monotonic_ns();
        let health = std::mem::take(&mut self.health);
        let now = self.window.now(now_ns);
        let mut windows = shared.windows();
        self.forget_ended(&mut windows, u64::MAX);
        windows.close(now, now, health);
    }
}
