//! What was seen from outside: values per stack and per thread, and where each thread was when.
//!
//! # Contract
//! Bounded: beyond [`MAX_STACKS`] new stacks are counted under `(other)`, beyond [`MAX_RUNS`] the
//! course over time ends while the values go on. Reads no clock and no process.

use pyrometer_formats::{Recording, Run, Thread, Values};
use pyrometer_model::{Function, FunctionId, ProfileType, StackId, StackNode, UnixNanos};

use crate::tables::{Interner, OTHER_STACK};

/// Most stacks, at about 110 bytes each.
const MAX_STACKS: usize = 1 << 20;
/// Most functions.
const MAX_FUNCTIONS: usize = 1 << 18;
/// Most stretches of the course over time, at 48 bytes each: some hours of a busy process.
const MAX_RUNS: usize = 1 << 21;
/// Most threads told apart; later ones count as one.
const MAX_THREADS: usize = 1 << 16;

/// Whether the course over time is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeline {
    /// For formats that show it.
    Kept,
    /// Sums only.
    Left,
}

/// Which samples count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All.
    All,
    /// Those of threads that hold the GIL. CPU time is left out: the kernel does not know which of a
    /// thread's was used with the GIL.
    GilHolders,
}

/// What a thread was doing in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) is_executing: bool,
    pub(super) holds_gil: bool,
}

/// How sampling went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ticks.
    pub ticks: u64,
    /// Samples: one per tick and thread.
    pub samples: u64,
    /// Samples whose leaf side was cut, since the thread called or returned meanwhile.
    pub salvaged: u64,
    /// Samples that could not be read; they count for where the thread was last seen.
    pub torn: u64,
    /// Ticks that came a period late or more: sampling does not keep up.
    pub overruns: u64,
    /// Processes that ended before they could be read.
    pub unread: u64,
    /// Time that threads were seen to hold the GIL.
    pub gil_ns: u64,
}

/// A thread as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadNow {
    /// What was observed of it, over all stacks.
    pub values: Values,
    /// Whether it was on a core in its last sample.
    pub is_executing: bool,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// Everything seen so far.
#[derive(Debug)]
pub struct Observations {
    recording: Recording,
    timeline: Timeline,
    counted: Counted,
    open_runs: Vec<Option<Run>>,
    threads: Vec<ThreadNow>,
    /// How sampling went.
    pub counters: Counters,
    /// Up to when CPU time is complete, counted from the start.
    pub settled_ns: u64,
}

impl Observations {
    /// Nothing yet. `title` names the program, `period_ns` is the mean distance of samples.
    #[must_use]
    pub fn new(title: &str, period_ns: u64, timeline: Timeline, counted: Counted) -> Self {
        let mut recording = Recording {
            title: title.to_owned(),
            period_ns,
            ..Recording::default()
        };
        let other = recording.stack(StackId::ROOT, &Function::other(), 0);
        debug_assert_eq!(other, OTHER_STACK);
        Self {
            recording,
            timeline,
            counted,
            open_runs: Vec::new(),
            threads: Vec::new(),
            counters: Counters::default(),
            settled_ns: 0,
        }
    }

    /// Functions, stacks and values so far. Its runs lack what is not finished yet.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The threads, in the order of [`Recording::threads`].
    #[must_use]
    pub fn threads(&self) -> &[ThreadNow] {
        &self.threads
    }

    /// Forgets all values; functions, stacks and threads stay known.
    pub fn reset(&mut self) {
        self.recording.values.clear();
        self.recording.runs.clear();
        self.open_runs.fill(None);
        for thread in &mut self.threads {
            thread.values = Values::default();
        }
        self.counters = Counters::default();
    }

    /// The recording of `[start, end)`.
    #[must_use]
    pub fn finish(mut self, start: UnixNanos, end: UnixNanos) -> Recording {
        self.recording.span = pyrometer_model::Span::new(start, end);
        for run in self.open_runs.into_iter().flatten() {
            self.recording.runs.push(run);
        }
        self.recording
    }

    /// The number of a new thread.
    pub(super) fn thread(&mut self, thread: Thread) -> u32 {
        if self.threads.len() >= MAX_THREADS {
            return (MAX_THREADS - 1) as u32;
        }
        self.recording.threads.push(thread);
        self.threads.push(ThreadNow::default());
        self.open_runs.push(None);
        (self.threads.len() - 1) as u32
    }

    /// Counts one sample of a thread: `wall_ns` up to `now_ns`, which is counted from the start.
    pub(super) fn sample(
        &mut self,
        thread: u32,
        stack: StackId,
        presence: Presence,
        wall_ns: u64,
        now_ns: u64,
    ) {
        let Presence {
            is_executing,
            holds_gil,
        } = presence;
        let now = &mut self.threads[thread as usize];
        now.is_executing = is_executing;
        self.counters.gil_ns += if holds_gil { wall_ns } else { 0 };
        if self.counted == Counted::GilHolders && !holds_gil {
            return;
        }
        self.counters.samples += 1;
        for values in [&mut now.values, self.recording.values_of(stack)] {
            values.samples += 1;
            values.wall_ns += wall_ns;
        }
        if self.timeline == Timeline::Kept {
            self.extend_run(thread, stack, is_executing, wall_ns, now_ns);
        }
    }

    fn extend_run(&mut self, thread: u32, stack: StackId, is_executing: bool, wall_ns: u64, now_ns: u64) {
        let open = &mut self.open_runs[thread as usize];
        if let Some(run) = open
            && (run.stack, run.is_executing) == (stack, is_executing)
        {
            run.end_ns = now_ns;
            run.samples += 1;
            return;
        }
        // A sample stands for the time since the one before it.
        let begin_ns = open
            .map_or(0, |run| run.end_ns)
            .max(now_ns.saturating_sub(wall_ns));
        let run = Run {
            thread,
            stack,
            is_executing,
            start_ns: begin_ns.min(now_ns),
            end_ns: now_ns,
            samples: 1,
        };
        if let Some(ended) = open.replace(run)
            && self.recording.runs.len() < MAX_RUNS
        {
            self.recording.runs.push(ended);
        }
    }

    /// Counts exact CPU time of a thread.
    pub(super) fn add_cpu(&mut self, thread: u32, stack: StackId, nanoseconds: u64) {
        if self.counted == Counted::GilHolders {
            return;
        }
        self.recording.add(stack, ProfileType::Cpu, nanoseconds);
        self.threads[thread as usize].values.cpu_ns += nanoseconds;
    }

    /// The thread has ended.
    pub(super) fn end(&mut self, thread: u32) {
        let now = &mut self.threads[thread as usize];
        (now.has_ended, now.is_executing) = (true, false);
    }
}

impl Interner for Observations {
    fn function(&mut self, function: &Function) -> Option<FunctionId> {
        let functions = &mut self.recording.functions;
        if functions.len() >= MAX_FUNCTIONS {
            return functions.find(function);
        }
        Some(functions.intern(function))
    }

    fn stack(&mut self, node: StackNode) -> Option<StackId> {
        let stacks = &mut self.recording.stacks;
        if stacks.len() >= MAX_STACKS {
            return stacks.find(node);
        }
        Some(stacks.intern(node))
    }
}
