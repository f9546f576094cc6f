//! One thread's calling-context tree: call events in, calls and costs per call node out.
//!
//! # Where this sits
//! The hooks in the extension call [`ThreadTree::enter`] and [`ThreadTree::leave`] at every event,
//! with the GIL held, on the thread that the tree belongs to. [`super::calls`] reads finished trees.
//!
//! # Contract
//! - The time between two events belongs to the node that ran in between: one reading per event.
//! - A position is a stack of nodes. It need not be a path of the tree: a coroutine that is thrown
//!   into stands under its awaiters, yet leaves to whoever threw.
//! - Events that do not fit (a frame that began before the recording, or was never announced) are
//!   told by their code, put right, and counted; nothing is ever charged to a frame that has ended.
//! - Nodes are bounded: beyond the bound calls fold into one `(other)` below their caller.
//! - No panic: indices are made here only, and never removed.

pub use super::node::{Entry, Key, Node, NodeId, OTHER, ROOT};
pub use super::tally::{Irregular, Probes};
use super::timer::Meter;

/// Callers looked through for the one that an unexpected event belongs to.
const SEARCHED: usize = 4096;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: Key,
    parent: NodeId,
    /// 0 in an empty slot: the root is nobody's child.
    child: NodeId,
}

/// Where a thread or greenlet is: the nodes to go back to, innermost last.
pub type Position = Vec<NodeId>;

/// The tree of one thread.
#[derive(Debug)]
pub struct ThreadTree {
    meter: Meter,
    last: u64,
    current: NodeId,
    stack: Position,
    nodes: Vec<Node>,
    slots: Box<[Slot]>,
    max_nodes: usize,
    irregular: Irregular,
    until_probe: u32,
    probes: Probes,
    on_time: Option<fn()>,
    next_time: u64,
}

/// One event in so many is probed: prime, so that it falls in with no pattern of the program.
const PROBED: u32 = 61;

/// Distance of two calls of what [`ThreadTree::on_time`] was given, in units of the timer: half a second, or as
/// many instructions as take about that.
const TIME_STEP: u64 = 500_000_000;

/// How far a meter may go back, in units of the timer: time that the hypervisor took. Further back it is out of
/// order, and is not believed.
const LARGEST_CORRECTION: i64 = 100_000_000;

/// Longest probe that counts, in units of the timer: beyond it the thread was interrupted.
const LONGEST_PROBE: u64 = 2_000;

impl ThreadTree {
    /// An empty tree of at most `max_nodes` nodes, and as many `(other)`. Memory: 64 to 96 bytes per
    /// node that there is.
    #[must_use]
    pub fn new(mut meter: Meter, max_nodes: usize) -> Self {
        const FIRST_SLOTS: usize = 256;
        let last = meter.read();
        Self {
            meter,
            last,
            current: ROOT,
            stack: Position::with_capacity(64),
            nodes: vec![Node::default()],
            slots: vec![Slot::default(); FIRST_SLOTS].into_boxed_slice(),
            max_nodes: max_nodes.clamp(1, (u32::MAX / 4) as usize),
            irregular: Irregular::default(),
            until_probe: PROBED,
            probes: Probes::default(),
            on_time: None,
            next_time: 0,
        }
    }

    /// Ends an event: now and then, takes its time.
    #[inline(always)]
    fn end_event(&mut self) {
        self.until_probe -= 1;
        if self.until_probe == 0 {
            self.probe();
        }
    }

    #[cold]
    #[inline(never)]
    fn probe(&mut self) {
        self.until_probe = PROBED;
        let took = self.meter.read().saturating_sub(self.last);
        if took < LONGEST_PROBE {
            self.probes.add(Probes { count: 1, sum: took });
        }
        if self.last >= self.next_time {
            self.next_time = self.last + TIME_STEP;
            if let Some(time_passed) = self.on_time {
                time_passed();
            }
        }
    }

    /// Charges what passed since the last event to the current node. A meter that corrects itself downward
    /// takes back what it had counted too much, most likely from the same node.
    #[inline(always)]
    fn charge(&mut self) {
        let now = self.meter.read();
        let passed = now.wrapping_sub(self.last);
        if passed.cast_signed() < -LARGEST_CORRECTION {
            return;
        }
        // SAFETY: `current` is a number that `child` returned, or the root; nodes are never removed.
        let node = unsafe { self.nodes.get_unchecked_mut(self.current as usize) };
        node.raw_self = node.raw_self.wrapping_add(passed.cast_signed());
        self.last = now;
    }

    /// A function begins or goes on. `function` gives its number when this tree meets it anew here.
    #[inline(always)]
    pub fn enter(&mut self, key: Key, entry: Entry, function: impl FnOnce() -> u32) {
        self.charge();
        let node = match self.find(self.current, key) {
            Some(node) => node,
            None => self.grow(key, entry, function),
        };
        if self.stack.len() == self.stack.capacity() {
            self.make_room();
        }
        self.stack.push(self.current);
        self.current = node;
        // SAFETY: `node` was found or made above.
        let node = unsafe { self.nodes.get_unchecked_mut(node as usize) };
        if entry == Entry::Resume {
            node.resumes += 1;
        } else {
            node.calls += 1;
        }
        self.end_event();
    }

    /// A function begins, if it is known here; otherwise nothing happens.
    #[inline]
    pub fn enter_known(&mut self, key: Key) -> bool {
        let is_known = self.find(self.current, key).is_some();
        if is_known {
            self.enter(key, Entry::Call, || 0);
        }
        is_known
    }

    /// A function ends or is suspended.
    #[inline(always)]
    pub fn leave(&mut self, key: Key) {
        self.charge();
        // SAFETY: as in `charge`.
        let current = unsafe { self.nodes.get_unchecked(self.current as usize) };
        if current.key == key
            && let Some(caller) = self.stack.pop()
        {
            self.current = caller;
        } else {
            self.leave_unexpectedly(key);
        }
        self.end_event();
    }

    /// Descends without a call: frames that began before the recording, outermost first.
    pub fn descend(&mut self, key: Key, function: impl FnOnce() -> u32) {
        self.charge();
        let node = match self.find(self.current, key) {
            Some(node) => node,
            None => self.grow(key, Entry::Call, function),
        };
        self.stack.push(self.current);
        self.current = node;
        self.last = self.meter.read();
    }

    /// Descends like [`Self::descend`] through frames that are not entered by an event of their own and
    /// not left by one: whoever leaves what is entered next leaves them too.
    pub fn pass_through(&mut self, keys: impl Iterator<Item = (Key, u32)>) -> Passage {
        self.charge();
        let from = self.current;
        for (key, function) in keys {
            self.current = match self.find(self.current, key) {
                Some(node) => node,
                None => self.grow(key, Entry::Call, || function),
            };
        }
        self.last = self.meter.read();
        Passage(from)
    }

    /// Ends a passage: what was entered last goes back to where the passage began.
    pub fn end_passage(&mut self, Passage(from): Passage) {
        if let Some(top) = self.stack.last_mut() {
            *top = from;
        }
    }

    /// Has `time_passed` called at an event now and then. It may not use this tree.
    pub fn on_time(&mut self, time_passed: fn()) {
        self.on_time = Some(time_passed);
    }

    /// Changes place: another greenlet runs on this thread from now on.
    pub fn switch(&mut self, to: Position) -> Position {
        self.charge();
        let mut from = std::mem::replace(&mut self.stack, to);
        from.push(self.current);
        self.current = self.stack.pop().unwrap_or(ROOT);
        self.last = self.meter.read();
        from
    }

    /// Charges what passed until now, for a snapshot; only on the tree's own thread.
    pub fn settle(&mut self) {
        self.charge();
    }

    /// Leaves out what passed since the last event: the recorder itself was at work.
    pub fn skip(&mut self) {
        let now = self.meter.read();
        if now.wrapping_sub(self.last).cast_signed() >= -LARGEST_CORRECTION {
            self.last = now;
        }
    }

    /// Forgets what was measured and keeps the place: the child of a fork starts at zero. The meter is
    /// the child's own.
    pub fn restart(&mut self, meter: Meter) {
        self.meter = meter;
        self.last = self.meter.read();
        (self.irregular, self.probes) = Default::default();
        for node in &mut self.nodes {
            (node.raw_self, node.calls, node.resumes) = (0, 0, 0);
        }
    }

    /// See [`Meter::forget_after_fork`].
    pub fn forget_page(&mut self) {
        self.meter.forget_after_fork();
    }

    /// Gives back the meter's page and descriptor: the thread has ended.
    pub fn close(&mut self) {
        self.meter = Meter::Silent;
    }

    /// All nodes; a node's parent stands before it.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What events took here.
    #[must_use]
    pub fn probes(&self) -> Probes {
        self.probes
    }

    /// What needed care.
    #[must_use]
    pub fn irregular(&self) -> Irregular {
        self.irregular
    }

    /// How many functions are open here.
    #[inline(always)]
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Leaves the innermost function, which ended some time ago without an event.
    pub fn ascend(&mut self) {
        self.charge();
        self.current = self.stack.pop().unwrap_or(ROOT);
    }

    /// Key of the function that runs now; `None` at the root.
    #[must_use]
    pub fn current_key(&self) -> Option<Key> {
        (self.current != ROOT).then(|| self.nodes[self.current as usize].key)
    }

    #[inline(always)]
    fn find(&self, parent: NodeId, key: Key) -> Option<NodeId> {
        let mask = self.slots.len() - 1;
        let mut index = hash(parent, key) & mask;
        loop {
            // SAFETY: the mask keeps the index below the length, a power of two.
            let slot = unsafe { self.slots.get_unchecked(index) };
            if slot.key == key && slot.parent == parent {
                return (slot.child != ROOT).then_some(slot.child);
            }
            if slot.child == ROOT {
                return None;
            }
            index = (index + 1) & mask;
        }
    }

    /// A new child of the current node. Ends with a new reading: growing is nobody's cost.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, key: Key, entry: Entry, function: impl FnOnce() -> u32) -> NodeId {
        let parent = self.current;
        let is_full = self.nodes.len() >= self.max_nodes;
        let in_other = self.nodes[parent as usize].key == OTHER;
        let (key, function) = if is_full || in_other {
            self.irregular.folded += 1;
            (OTHER, u32::MAX)
        } else {
            (key, function())
        };
        if in_other {
            self.skip();
            return parent;
        }
        if let Some(node) = self.find(parent, key) {
            self.skip();
            return node;
        }
        if (self.nodes.len() + 1) * 2 > self.slots.len() {
            self.rehash();
        }
        let node = self.nodes.len() as NodeId;
        self.nodes.push(Node {
            key,
            parent,
            function,
            is_c: entry == Entry::CCall,
            ..Node::default()
        });
        self.insert(Slot {
            key,
            parent,
            child: node,
        });
        self.skip();
        node
    }

    fn insert(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut index = hash(slot.parent, slot.key) & mask;
        while self.slots[index].child != ROOT {
            index = (index + 1) & mask;
        }
        self.slots[index] = slot;
    }

    fn rehash(&mut self) {
        let doubled = vec![Slot::default(); self.slots.len() * 2].into_boxed_slice();
        let old = std::mem::replace(&mut self.slots, doubled);
        for slot in old.iter().filter(|slot| slot.child != ROOT) {
            self.insert(*slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self) {
        self.stack.reserve(self.stack.len());
        self.skip();
    }

    #[cold]
    #[inline(never)]
    fn leave_unexpectedly(&mut self, key: Key) {
        if self.nodes[self.current as usize].key == OTHER {
            // What folded together is not told apart: every end closes one.
            self.current = self.stack.pop().unwrap_or(ROOT);
            return;
        }
        let callers = self.stack.iter().rev().take(SEARCHED);
        let found = callers
            .enumerate()
            .find(|(_, node)| self.nodes[**node as usize].key == key);
        let Some((above, _)) = found else {
            self.irregular.unknown += 1;
            return;
        };
        self.irregular.closed += above as u64 + 1;
        self.stack.truncate(self.stack.len() - above - 1);
        self.current = self.stack.pop().unwrap_or(ROOT);
    }
}

/// Where a passage began; see [`ThreadTree::pass_through`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Passage(NodeId);

#[inline(always)]
fn hash(parent: NodeId, key: Key) -> usize {
    // Fibonacci hashing; objects are 16 bytes apart at least.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = ((key as u64 >> 4) ^ u64::from(parent).rotate_left(40)).wrapping_mul(GOLDEN);
    (mixed >> 32) as usize
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
