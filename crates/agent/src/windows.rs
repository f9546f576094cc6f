//! The worker's windows: the open one, the ring of closed ones, and the answers made of them.
//!
//! The sampler adds samples and closes windows; the endpoint reads. Both hold one lock for
//! microseconds: what a reader wants is cloned under it and encoded outside. Nothing here does I/O
//! or reads a clock.
//!
//! Times are kept in quanta ([`SAMPLER_QUANTUM_NS`]); the remainder of each stack is carried into
//! its next window, so nothing is rounded away over time.

use std::collections::VecDeque;
use std::sync::Arc;

use pyrometer_formats::feed::Feed;
use pyrometer_model::profile_type::SAMPLER_QUANTUM_NS;
use pyrometer_model::{
    Block, CallTree, Function, FunctionId, ProfileKind, ProfileType, Span, StackId, StackNode, TreeBuilder,
    UnixNanos, Window, WindowHealth, Worker,
};

use crate::label_sets::LabelSetId;
use crate::labelled::{Labelled, Place};
use crate::observed::{Observed, Slot};
use crate::tables::{Interner, OTHER_STACK, Tables};

/// Length of a window, nanoseconds. Windows end at multiples of it on the wall clock.
pub const WINDOW_NS: u64 = 10_000_000_000;
/// Most closed windows kept: ten minutes for a collector to come back.
pub(crate) const RING_WINDOWS: usize = 60;
/// Most bytes of closed windows kept.
pub(crate) const RING_BYTES: usize = 16 << 20;
/// Most taps at once: profiles that somebody asked for and is waiting for.
pub(crate) const MAX_TAPS: usize = 4;

/// Sums over all closed windows, for auditing a collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) closed: u64,
    pub(crate) dropped: u64,
    pub(crate) observed: Observed,
    pub(crate) health: WindowHealth,
}

/// A running profile beside the windows, for `/debug/pprof/profile?seconds=N`.
#[derive(Debug)]
struct Tap {
    id: u64,
    values: Vec<Observed>,
}

/// All windows of one incarnation.
#[derive(Debug)]
pub(crate) struct Windows {
    tables: Tables,
    previous_tables: Option<Tables>,
    open: Vec<Slot>,
    touched: Vec<StackId>,
    labelled: Labelled,
    /// Samples that lost their labels for want of room.
    unlabelled: u64,
    open_since: UnixNanos,
    ring: VecDeque<Arc<Window>>,
    ring_bytes: usize,
    totals: Totals,
    taps: Vec<Tap>,
    next_tap: u64,
}

impl Windows {
    /// No window yet; the first opens at `now`.
    pub(crate) fn new(now: UnixNanos) -> Self {
        Self {
            tables: Tables::new(0),
            previous_tables: None,
            open: Vec::new(),
            touched: Vec::new(),
            labelled: Labelled::default(),
            unlabelled: 0,
            open_since: now,
            ring: VecDeque::new(),
            ring_bytes: 0,
            totals: Totals::default(),
            taps: Vec::new(),
            next_tap: 0,
        }
    }

    /// Number of the generation that ids belong to now. Changes only when a window closes.
    pub(crate) fn generation(&self) -> u32 {
        self.tables.number
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether nothing was ever observed.
    pub(crate) fn is_blank(&self) -> bool {
        self.totals.observed.samples == 0 && self.totals.dropped == 0
    }

    /// Counts one sample. Its CPU is an estimate, for those who look at the open window.
    pub(crate) fn add(&mut self, place: impl Into<Place>, observed: Observed) {
        let place = place.into();
        match self.labelled.slot(place) {
            Some(slot) => {
                slot.observed.add(observed);
                slot.is_touched = true;
            }
            None => {
                self.unlabelled += u64::from(place.labels != LabelSetId::default());
                self.slot(place.stack).observed.add(observed);
            }
        }
        let index = place.stack.0 as usize;
        for tap in &mut self.taps {
            if index >= tap.values.len() {
                tap.values.resize(index + 1, Observed::default());
            }
            tap.values[index].add(observed);
        }
    }

    /// Counts exact CPU time, which replaces the estimates when the window closes.
    pub(crate) fn add_cpu(&mut self, place: impl Into<Place>, nanoseconds: u64) {
        let place = place.into();
        match self.labelled.slot(place) {
            Some(slot) => {
                slot.cpu_ns += nanoseconds;
                slot.is_touched = true;
            }
            None => self.slot(place.stack).cpu_ns += nanoseconds,
        }
    }

    /// Counts the wall time of suspended tasks, which is no thread's.
    pub(crate) fn add_wait(&mut self, stack: StackId, nanoseconds: u64) {
        self.slot(stack).wait_ns += nanoseconds;
    }

    fn slot(&mut self, stack: StackId) -> &mut Slot {
        let index = stack.0 as usize;
        if index >= self.open.len() {
            self.open
                .resize(self.tables.stacks.len().max(index + 1), Slot::default());
        }
        let slot = &mut self.open[index];
        if !slot.is_touched {
            slot.is_touched = true;
            self.touched.push(stack);
        }
        slot
    }

    /// When the open window has to be closed.
    pub(crate) fn open_until(&self) -> UnixNanos {
        UnixNanos(self.open_since.align_down(WINDOW_NS).0 + WINDOW_NS)
    }

    /// Closes the open window at `now` and opens the next one at `next`, which differs from `now`
    /// when the wall clock jumped. Windows that fall out of the ring are counted as dropped.
    pub(crate) fn close(&mut self, now: UnixNanos, next: UnixNanos, mut health: WindowHealth) {
        self.touched.sort_unstable();
        let mut sampled = Block::new(ProfileKind::Sampler);
        let mut waited = Block::new(ProfileKind::Tasks);
        for stack in self.touched.drain(..) {
            let slot = &mut self.open[stack.0 as usize];
            sampled.push(stack, &slot.take());
            waited.push(stack, &[slot.take_wait()]);
            slot.is_touched = false;
        }
        let mut blocks = vec![sampled];
        blocks.extend(self.labelled.close());
        for block in &blocks {
            let other = block.stacks.binary_search(&OTHER_STACK);
            health.folded += other.map_or(0, |place| block.columns[0][place]);
        }
        health.folded += std::mem::take(&mut self.unlabelled);
        let sum = |column: usize| {
            blocks
                .iter()
                .flat_map(|block| &block.columns[column])
                .sum::<u64>()
        };
        self.totals.observed.add(Observed {
            samples: sum(0),
            wall_ns: sum(1) * SAMPLER_QUANTUM_NS,
            cpu_ns: sum(2) * SAMPLER_QUANTUM_NS,
        });
        health.agent_memory_bytes = self.memory_bytes() as u64;
        self.totals.closed += 1;
        add_health(&mut self.totals.health, &health);
        let window = Window {
            seq: self.totals.closed,
            span: Span::new(self.open_since, now),
            generation: self.tables.number,
            blocks: blocks
                .into_iter()
                .chain([waited])
                .filter(|block| !block.stacks.is_empty())
                .collect(),
            health,
        };
        self.ring_bytes += memory_bytes(&window);
        self.ring.push_back(Arc::new(window));
        while self.ring.len() > RING_WINDOWS || self.ring_bytes > RING_BYTES && self.ring.len() > 1 {
            self.drop_oldest();
        }
        self.open_since = next;
        self.turn_generation();
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.ring.pop_front() {
            self.ring_bytes -= memory_bytes(&oldest);
            self.totals.dropped += 1;
        }
        let wanted = self.ring.front().map(|window| window.generation);
        if self
            .previous_tables
            .as_ref()
            .is_some_and(|tables| Some(tables.number) < wanted)
        {
            self.previous_tables = None;
        }
    }

    /// Starts the next generation when the tables are crowded and the one before is not needed any
    /// more: at most two are alive, so memory is bounded.
    fn turn_generation(&mut self) {
        if !self.tables.is_crowded() || self.previous_tables.is_some() || !self.taps.is_empty() {
            return;
        }
        let next = Tables::new(self.tables.number + 1);
        self.previous_tables = Some(std::mem::replace(&mut self.tables, next));
        self.open = Vec::new();
        self.labelled.clear();
    }

    /// What a reader gets who has all windows up to `since` and the table entries `have`.
    pub(crate) fn feed(&self, worker: &Worker, since: u64, have: Option<Have>) -> FeedParts {
        let windows: Vec<_> = self
            .ring
            .iter()
            .filter(|window| window.seq > since)
            .cloned()
            .collect();
        let tables = self.previous_tables.iter().chain([&self.tables]);
        let wanted = tables.filter(|tables| windows.iter().any(|window| window.generation == tables.number));
        let generations = wanted
            .map(
                |tables| match have.filter(|have| have.generation == tables.number) {
                    Some(have) => tables.after(have.functions, have.stacks),
                    None => tables.after(0, 0),
                },
            )
            .collect();
        let oldest_seq = self
            .ring
            .front()
            .map_or(self.totals.closed + 1, |window| window.seq);
        let head = Feed {
            worker: worker.clone(),
            oldest_seq,
            newest_seq: self.totals.closed,
            generations,
            windows: Vec::new(),
        };
        FeedParts { head, windows }
    }

    /// The call tree of everything observed since `since`, the open window included.
    pub(crate) fn tree(&self, profile_type: ProfileType, since: UnixNanos) -> CallTree {
        let mut builder = TreeBuilder::new();
        for tables in self.previous_tables.iter().chain([&self.tables]) {
            let mut values = vec![0_u64; tables.stacks.len()];
            let of_generation = |window: &&Arc<Window>| window.generation == tables.number;
            let recent = self
                .ring
                .iter()
                .filter(|window| window.span.end > since)
                .filter(of_generation);
            for block in recent.flat_map(|window| &window.blocks) {
                let Some(column) = block.kind.column_of(profile_type) else {
                    continue;
                };
                let quantum = block.kind.columns()[column].quantum;
                for (stack, value) in block.stacks.iter().zip(&block.columns[column]) {
                    values[stack.0 as usize] += value * quantum;
                }
            }
            if tables.number == self.tables.number {
                for &stack in &self.touched {
                    values[stack.0 as usize] += self.open[stack.0 as usize].value(profile_type);
                }
                for (stack, slot) in self.labelled.iter() {
                    values[stack.0 as usize] += slot.value(profile_type);
                }
            }
            builder.add_stacks(&tables.functions, &tables.stacks, &values);
        }
        builder.finish()
    }

    /// Starts a profile of its own; `None` when [`MAX_TAPS`] are running.
    pub(crate) fn open_tap(&mut self) -> Option<u64> {
        if self.taps.len() >= MAX_TAPS {
            return None;
        }
        self.next_tap += 1;
        self.taps.push(Tap {
            id: self.next_tap,
            values: Vec::new(),
        });
        Some(self.next_tap)
    }

    /// Ends a profile and hands out its stacks with what was observed; `None` for strangers.
    pub(crate) fn close_tap(&mut self, id: u64) -> Option<TapProfile> {
        let place = self.taps.iter().position(|tap| tap.id == id)?;
        let tap = self.taps.swap_remove(place);
        let functions = self.tables.functions.as_slice().to_vec();
        let observed = tap
            .values
            .iter()
            .enumerate()
            .filter(|(_, observed)| observed.samples > 0);
        let stacks = observed
            .map(|(stack, observed)| {
                let frames = self.tables.stacks.iter_leaf_to_root(StackId(stack as u32));
                (
                    frames.map(|node| (node.function.0, node.line)).collect(),
                    *observed,
                )
            })
            .collect();
        Some(TapProfile { functions, stacks })
    }

    /// About the bytes of memory in use.
    pub(crate) fn memory_bytes(&self) -> usize {
        let previous = self.previous_tables.as_ref().map_or(0, Tables::memory_bytes);
        let taps: usize = self
            .taps
            .iter()
            .map(|tap| tap.values.capacity() * size_of::<Observed>())
            .sum();
        let open = self.open.capacity() * size_of::<Slot>() + self.labelled.memory_bytes();
        self.tables.memory_bytes() + previous + self.ring_bytes + open + taps
    }
}

/// Table entries that a reader has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Have {
    pub(crate) generation: u32,
    pub(crate) functions: u32,
    pub(crate) stacks: u32,
}

/// A feed answer whose windows are still shared with the ring.
#[derive(Debug)]
pub(crate) struct FeedParts {
    head: Feed,
    windows: Vec<Arc<Window>>,
}

impl FeedParts {
    /// The answer as bytes. Done outside of the lock.
    pub(crate) fn encode(self) -> Vec<u8> {
        let windows = self.windows.iter().map(|window| Window::clone(window)).collect();
        Feed { windows, ..self.head }.encode()
    }

    /// Leaves out the oldest windows beyond `most`.
    pub(crate) fn newest(mut self, most: usize) -> Self {
        let surplus = self.windows.len().saturating_sub(most);
        self.windows.drain(..surplus);
        self
    }
}

impl Interner for Windows {
    fn function(&mut self, function: &Function) -> Option<FunctionId> {
        self.tables.function(function)
    }

    fn stack(&mut self, node: StackNode) -> Option<StackId> {
        self.tables.stack(node)
    }
}

/// What a tap collected.
#[derive(Debug)]
pub(crate) struct TapProfile {
    pub(crate) functions: Vec<Function>,
    /// Frames leaf first (function, line), and what was observed.
    pub(crate) stacks: Vec<(Vec<(u32, u32)>, Observed)>,
}

fn add_health(sum: &mut WindowHealth, more: &WindowHealth) {
    sum.ticks += more.ticks;
    sum.overruns += more.overruns;
    sum.salvaged += more.salvaged;
    sum.torn += more.torn;
    sum.folded += more.folded;
    sum.agent_cpu_ns += more.agent_cpu_ns;
    sum.agent_memory_bytes = more.agent_memory_bytes;
    sum.rate_hz = more.rate_hz;
}

fn memory_bytes(window: &Window) -> usize {
    const HEAD: usize = 256;
    let of_block =
        |block: &Block| block.stacks.len() * 4 + block.columns.iter().map(|c| c.len() * 8).sum::<usize>();
    HEAD + window.blocks.iter().map(of_block).sum::<usize>()
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
