//! Where tasks were created: the code that was running then, kept for as long as the task may live.
//!
//! A hook in the interpreter writes, one call at a time since it holds the GIL; the sampler reads at
//! the same time. Nothing is ever locked, so a fork leaves nothing behind.
//!
//! Places of creation form a tree of nodes: a node is one frame, its parent the frame that called it
//! or, at the root of a task, the place where that task was created in turn. Nodes are interned and
//! never removed; tasks are a table with a fixed number of places, newer ones replacing older ones.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use pyrometer_unwind::{Address, Frame};

/// Most nodes: 192 KiB. Beyond it a task stands where its creator was created.
const MAX_NODES: usize = 8192;
/// Tasks remembered: 768 KiB.
const MAX_TASKS: usize = 32_768;
/// Places that a task may take in the table.
const WAYS: usize = 4;
/// Most frames of one path that are told.
const MAX_PATH: usize = 256;

/// A place of creation. The default is none: nothing is known, or no task was running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin(u32);

impl Origin {
    /// Its number, 0 for the default.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The origin with a number that was given out.
    pub(crate) fn of(number: u32) -> Self {
        Self(number)
    }
}

/// One task in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    pub(crate) task: Address,
    pub(crate) origin: Origin,
}

/// One frame of a place of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) frame: Frame,
    /// Which of the code objects at that address it is.
    pub(crate) fingerprint: u64,
    /// Whether a task begins with this frame: its callers are where that task was created.
    pub(crate) begins_task: bool,
}

/// Marks in a node's parent that a task begins with the node.
const BEGINS_TASK: u32 = 1 << 31;

#[derive(Debug, Default)]
struct Node {
    parent: AtomicU32,
    instruction: AtomicU32,
    code: AtomicU64,
    fingerprint: AtomicU64,
}

/// Its version is odd while it is written.
#[derive(Debug, Default)]
struct Entry {
    version: AtomicU32,
    origin: AtomicU32,
    coroutine: AtomicU64,
    task: AtomicU64,
}

/// The tree and the table.
#[derive(Debug)]
pub(crate) struct Origins {
    nodes: Box<[Node]>,
    used: AtomicU32,
    /// Node numbers by hash, 0 for a free place.
    index: Box<[AtomicU32]>,
    entries: Box<[Entry]>,
    replaced: AtomicU32,
}

impl Origins {
    pub(crate) fn new() -> Self {
        Self {
            nodes: (0..MAX_NODES).map(|_| Node::default()).collect(),
            used: AtomicU32::new(1),
            index: (0..2 * MAX_NODES).map(|_| AtomicU32::new(0)).collect(),
            entries: (0..MAX_TASKS).map(|_| Entry::default()).collect(),
            replaced: AtomicU32::new(0),
        }
    }

    /// The node of a frame below `parent`. Only with the GIL held.
    pub(crate) fn intern(&self, parent: Origin, place: Place) -> Origin {
        let Place {
            frame,
            fingerprint,
            begins_task,
        } = place;
        let link = parent.0 | if begins_task { BEGINS_TASK } else { 0 };
        let place = u64::from(link) << 32 | u64::from(frame.instruction);
        let start = mix(mix(frame.code.0 ^ fingerprint) ^ place) as usize;
        for step in 0..self.index.len() {
            let slot = &self.index[(start + step) % self.index.len()];
            let number = slot.load(Ordering::Relaxed);
            if number == 0 {
                return self.push(slot, link, frame, fingerprint).unwrap_or(parent);
            }
            let node = &self.nodes[number as usize];
            let same = node.parent.load(Ordering::Relaxed) == link
                && node.instruction.load(Ordering::Relaxed) == frame.instruction
                && node.code.load(Ordering::Relaxed) == frame.code.0
                && node.fingerprint.load(Ordering::Relaxed) == fingerprint;
            if same {
                return Origin(number);
            }
        }
        parent
    }

    fn push(&self, slot: &AtomicU32, link: u32, frame: Frame, fingerprint: u64) -> Option<Origin> {
        let number = self.used.load(Ordering::Relaxed);
        let node = self.nodes.get(number as usize)?;
        node.parent.store(link, Ordering::Relaxed);
        node.instruction.store(frame.instruction, Ordering::Relaxed);
        node.code.store(frame.code.0, Ordering::Relaxed);
        node.fingerprint.store(fingerprint, Ordering::Relaxed);
        self.used.store(number + 1, Ordering::Release);
        slot.store(number, Ordering::Relaxed);
        Some(Origin(number))
    }

    /// The frames of a place of creation, youngest first.
    pub(crate) fn path(&self, origin: Origin) -> impl Iterator<Item = Place> {
        let known = self.used.load(Ordering::Acquire);
        let mut number = origin.0;
        std::iter::from_fn(move || {
            let node = (number != 0 && number < known).then(|| &self.nodes[number as usize])?;
            let link = node.parent.load(Ordering::Relaxed);
            number = link & !BEGINS_TASK;
            let frame = Frame {
                code: Address(node.code.load(Ordering::Relaxed)),
                instruction: node.instruction.load(Ordering::Relaxed),
            };
            Some(Place {
                frame,
                fingerprint: node.fingerprint.load(Ordering::Relaxed),
                begins_task: link & BEGINS_TASK != 0,
            })
        })
        .take(MAX_PATH)
    }

    /// Remembers a task by its coroutine. Only with the GIL held.
    pub(crate) fn insert(&self, coroutine: Address, created: Created) {
        let bucket = self.bucket(coroutine);
        let taken_by = |entry: &&Entry| [coroutine.0, 0].contains(&entry.coroutine.load(Ordering::Relaxed));
        let entry = match bucket.iter().find(taken_by) {
            Some(entry) => entry,
            None => &bucket[self.replaced.fetch_add(1, Ordering::Relaxed) as usize % WAYS],
        };
        let version = entry.version.load(Ordering::Relaxed);
        entry.version.store(version | 1, Ordering::Relaxed);
        fence(Ordering::Release);
        entry.coroutine.store(coroutine.0, Ordering::Relaxed);
        entry.task.store(created.task.0, Ordering::Relaxed);
        entry.origin.store(created.origin.0, Ordering::Relaxed);
        entry
            .version
            .store((version | 1).wrapping_add(1), Ordering::Release);
    }

    /// The task that last had this coroutine. It may have ended since.
    pub(crate) fn find(&self, coroutine: Address) -> Option<Created> {
        self.bucket(coroutine).iter().find_map(|entry| {
            let version = entry.version.load(Ordering::Acquire);
            let found = entry.coroutine.load(Ordering::Relaxed) == coroutine.0 && !coroutine.is_null();
            let created = Created {
                task: Address(entry.task.load(Ordering::Relaxed)),
                origin: Origin(entry.origin.load(Ordering::Relaxed)),
            };
            fence(Ordering::Acquire);
            let whole = version & 1 == 0 && entry.version.load(Ordering::Relaxed) == version;
            (found && whole).then_some(created)
        })
    }

    fn bucket(&self, coroutine: Address) -> &[Entry] {
        let buckets = self.entries.len() / WAYS;
        // Objects are aligned to 16 bytes.
        let first = mix(coroutine.0 >> 4) as usize % buckets * WAYS;
        &self.entries[first..first + WAYS]
    }
}

/// Spreads addresses over all bits: one multiplication, then the well mixed half comes down.
fn mix(value: u64) -> u64 {
    let product = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u64, fingerprint: u64) -> Place {
        Place {
            frame: Frame {
                code: Address(number * 64),
                instruction: number as u32,
            },
            fingerprint,
            begins_task: number == 1,
        }
    }

    #[test]
    fn a_path_leads_from_the_creating_call_to_the_first_task() {
        let origins = Origins::new();
        let mut origin = Origin::default();
        for number in 1..=4 {
            origin = origins.intern(origin, place(number, 7));
        }
        let path: Vec<_> = origins
            .path(origin)
            .map(|place| place.frame.instruction)
            .collect();
        assert_eq!(path, [4, 3, 2, 1]);
        assert!(
            origins
                .path(origin)
                .all(|place| place.begins_task == (place.frame.instruction == 1))
        );
        let again = (1..=4).fold(Origin::default(), |parent, number| {
            origins.intern(parent, place(number, 7))
        });
        assert_eq!(again, origin);
        assert_ne!(origins.intern(Origin::default(), place(1, 8)), again);
        assert_eq!(origins.path(Origin::default()).count(), 0);
        assert_eq!(origins.path(Origin(u32::MAX)).count(), 0);
    }

    #[test]
    fn a_full_tree_answers_with_the_parent() {
        let origins = Origins::new();
        let top = origins.intern(Origin::default(), place(1, 0));
        for number in 2..=2 * MAX_NODES as u64 {
            origins.intern(top, place(number, 0));
        }
        assert_eq!(origins.intern(top, place(u64::MAX >> 8, 0)), top);
        assert_eq!(origins.intern(Origin::default(), place(1, 0)), top);
    }

    #[test]
    fn the_newest_tasks_are_found_however_many_there_were() {
        let origins = Origins::new();
        let created = |number| Created {
            task: Address(number),
            origin: Origin(number as u32 % 100),
        };
        for number in 1..=200_000_u64 {
            origins.insert(Address(number * 112), created(number));
            assert_eq!(origins.find(Address(number * 112)), Some(created(number)));
        }
        let found = (1..=200_000_u64).filter(|number| origins.find(Address(number * 112)).is_some());
        let found = found.count();
        assert!(found > MAX_TASKS * 9 / 10 && found <= MAX_TASKS, "{found}");
        assert_eq!(origins.find(Address::NULL), None);
    }
}
