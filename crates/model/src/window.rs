//! What one worker observed in one window, and who that worker is.

use crate::{Function, FunctionId, Labels, ProfileKind, Span, StackId, StackNode, UnixNanos};

/// One life of one worker process, written `host/pid/start`. Sequence numbers never span two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(pub String);

/// Who a worker is. Fixed for the life of an incarnation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    /// This life of the process.
    pub incarnation: Incarnation,
    /// Process id as the worker sees it.
    pub pid: u32,
    /// Host name as the worker sees it.
    pub host: String,
    /// Service that the worker belongs to.
    pub service: String,
    /// Version of its interpreter, for example `3.12.1`.
    pub python: String,
    /// Labels given to the agent, for example `version`.
    pub labels: Labels,
    /// When the agent started in this process.
    pub started: UnixNanos,
    /// Sampling rate asked for, in Hz.
    pub rate_hz: u32,
}

impl Worker {
    /// All labels that the worker's series carry: its own and those that follow from who it is.
    #[must_use]
    pub fn series_labels(&self) -> Labels {
        let mut labels = self.labels.clone();
        labels.set("service", self.service.as_str());
        labels.set("host", self.host.as_str());
        labels.set("pid", self.pid.to_string());
        labels.set("python", self.python.as_str());
        labels
    }
}

/// One window of one worker: immutable once closed, numbered from 1 without holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Position in the worker's windows.
    pub seq: u64,
    /// The time it covers.
    pub span: Span,
    /// The [`Generation`] of tables that the stack ids refer to.
    pub generation: u32,
    /// One block per kind of profile and label set.
    pub blocks: Vec<Block>,
    /// What the sampler says about itself.
    pub health: WindowHealth,
}

impl Window {
    /// Sum of one column over all blocks of `kind`, in quanta.
    #[must_use]
    pub fn column_sum(&self, kind: ProfileKind, column: usize) -> u64 {
        let blocks = self.blocks.iter().filter(|block| block.kind == kind);
        blocks
            .filter_map(|block| block.columns.get(column))
            .flatten()
            .sum()
    }
}

/// Values by stack for one kind of profile and one label set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The recorder that made it, which fixes the columns.
    pub kind: ProfileKind,
    /// Labels beyond those of the worker, for example `endpoint`.
    pub labels: Labels,
    /// Stacks in ascending order, without repetition.
    pub stacks: Vec<StackId>,
    /// One column per entry of [`ProfileKind::columns`], each as long as `stacks`, in quanta.
    pub columns: Vec<Vec<u64>>,
}

impl Block {
    /// A block without stacks and labels.
    #[must_use]
    pub fn new(kind: ProfileKind) -> Self {
        Self {
            kind,
            labels: Labels::new(),
            stacks: Vec::new(),
            columns: vec![Vec::new(); kind.columns().len()],
        }
    }

    /// Appends a stack with a value for each column, unless all are 0. Stacks come in ascending order.
    pub fn push(&mut self, stack: StackId, values: &[u64]) {
        if values.iter().any(|&value| value > 0) {
            self.stacks.push(stack);
            for (column, &value) in self.columns.iter_mut().zip(values) {
                column.push(value);
            }
        }
    }
}

/// The sampler's own account of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowHealth {
    /// Sampling ticks.
    pub ticks: u64,
    /// Ticks that came more than a period too late.
    pub overruns: u64,
    /// Samples whose leaf is approximate, because the stack changed while it was read.
    pub salvaged: u64,
    /// Observations of a thread that gave no stack at all.
    pub torn: u64,
    /// Samples folded into `(other)` because a table was full.
    pub folded: u64,
    /// CPU time that the agent spent, nanoseconds.
    pub agent_cpu_ns: u64,
    /// Memory that the agent held when the window closed, bytes, about.
    pub agent_memory_bytes: u64,
    /// Rate that was really aimed at, in Hz; below the rate asked for when the governor lowered it.
    pub rate_hz: u32,
}

/// New entries of the tables that stack ids of one generation refer to.
///
/// An agent numbers functions and stacks from 0 and 1; when its tables are full it starts the next
/// generation. A reader that has the first `functions_from` and `stacks_from` entries is up to date
/// after appending these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// Number of the generation, from 0.
    pub number: u32,
    /// Id of the first function in `functions`.
    pub functions_from: u32,
    /// Functions, in order of their ids.
    pub functions: Vec<Function>,
    /// Id of the first stack in `stacks` (the empty stack, 0, is never sent, so at least 1).
    pub stacks_from: u32,
    /// Stacks, in order of their ids.
    pub stacks: Vec<StackNode>,
}

impl Generation {
    /// Whether every entry refers only to entries before it.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let functions = u64::from(self.functions_from) + self.functions.len() as u64;
        let known = |FunctionId(id): FunctionId| u64::from(id) < functions;
        self.stacks_from >= 1
            && self
                .stacks
                .iter()
                .zip(u64::from(self.stacks_from)..)
                .all(|(node, id)| u64::from(node.parent.0) < id && known(node.function))
    }
}
