//! The tasks alive, out of the sets in which asyncio itself keeps them.
//!
//! A set may have a place for millions. So of a large one only some places are read, chosen at
//! random with equal chances, and [`Population`] says how many tasks each one found stands for.
//!
//! # Contract
//! The set may be resized while it is read: its head is read again afterwards, and a set that
//! changed its table gives nothing this time. At most [`MAX_PLACES`] places are read.

use super::kinds::Kind;
use super::{Task, TaskReader};
use crate::ids::Address;
use crate::layout::asyncio::fixed;
use crate::memory::{Batch, Fields, Memory};
use crate::target::Target;

/// Most places of a set read at once: 64 KiB.
const MAX_PLACES: u64 = 4096;
/// Places read in one piece where a set is too large to be read whole.
const PIECE: u64 = 64;
/// Largest set believed.
const MAX_MASK: u64 = 1 << 28;

/// A set of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSet {
    /// The set object.
    pub address: Address,
    /// Whether it holds weak references to tasks, as the one inside a `WeakSet` does.
    pub is_weak: bool,
}

/// Tasks found in a set.
#[derive(Debug, Default)]
pub struct Population {
    /// Tasks that have not ended.
    pub tasks: Vec<Task>,
    /// How many tasks of the set each of them stands for, at least 1.
    pub each_stands_for: f64,
}

impl TaskReader {
    /// Reads at most `most` of the tasks of a set, all with the same chance. `random(n)` gives a
    /// number below `n`. A handful of system calls.
    pub fn population<M: Memory>(
        &mut self,
        target: &Target<M>,
        set: TaskSet,
        most: usize,
        random: &mut impl FnMut(u64) -> u64,
    ) -> Population {
        let nothing = Population::default();
        let Some((table, mask)) = self.table(target, set.address) else {
            return nothing;
        };
        let mut keys = Vec::new();
        let read_share = self.keys(target, table, mask, random, &mut keys);
        if set.is_weak {
            let referent = self.layout.referent;
            keys = self.fields(target, &keys, referent);
        }
        if self.table(target, set.address) != Some((table, mask)) {
            return nothing;
        }
        let found = keys.len();
        choose(&mut keys, most, random);
        let chosen_share = keys.len() as f64 / found.max(1) as f64;
        let tasks = self.tasks(target, &keys);
        Population {
            tasks,
            each_stands_for: 1.0 / (read_share * chosen_share).max(1e-9),
        }
    }

    fn table<M: Memory>(&self, target: &Target<M>, set: Address) -> Option<(Address, u64)> {
        let layout = &self.layout.set;
        let mut head = [0; fixed::LINKS];
        let head = head.get_mut(..layout.table + 8)?;
        target.memory.read(set, head).ok()?;
        let mask = head.word(layout.mask)?;
        // A table has a power of two places.
        let sound = mask < MAX_MASK && (mask + 1).is_power_of_two();
        sound.then_some((head.pointer(layout.table)?, mask))
    }

    /// Reads keys; returns which share of the places was read.
    fn keys<M: Memory>(
        &self,
        target: &Target<M>,
        table: Address,
        mask: u64,
        random: &mut impl FnMut(u64) -> u64,
        out: &mut Vec<Address>,
    ) -> f64 {
        let places = mask + 1;
        let mut batch = Batch::new();
        let mut piece = |first: u64, length: u64| {
            batch.push(
                table.plus(first * fixed::SET_ENTRY as u64),
                length as usize * fixed::SET_ENTRY,
            );
        };
        let share = if places <= MAX_PLACES {
            piece(0, places);
            1.0
        } else {
            // One piece at random out of each of equal ranges.
            let pieces = MAX_PLACES / PIECE;
            let range = places / pieces;
            for index in 0..pieces {
                piece(index * range + random(range / PIECE) * PIECE, PIECE);
            }
            MAX_PLACES as f64 / places as f64
        };
        if target.memory.read_batch(&mut batch).is_err() {
            return share;
        }
        for bytes in (0..batch.len()).filter_map(|slot| batch.bytes(crate::memory::Slot(slot))) {
            let keys = bytes
                .chunks_exact(fixed::SET_ENTRY)
                .filter_map(|entry| entry.pointer(0));
            out.extend(keys.filter(|key| !key.is_null()));
        }
        share
    }

    /// Reads one pointer of each object.
    pub(super) fn fields<M: Memory>(
        &self,
        target: &Target<M>,
        objects: &[Address],
        offset: usize,
    ) -> Vec<Address> {
        let mut batch = Batch::new();
        for object in objects {
            batch.push(object.plus(offset as u64), 8);
        }
        let _gone = target.memory.read_batch(&mut batch);
        let fields = (0..batch.len()).filter_map(|slot| batch.bytes(crate::memory::Slot(slot))?.pointer(0));
        fields.filter(|field| !field.is_null()).collect()
    }

    /// Reads the heads of many tasks at once. What is no pending task is left out.
    fn tasks<M: Memory>(&mut self, target: &Target<M>, addresses: &[Address]) -> Vec<Task> {
        let mut batch = Batch::new();
        for address in addresses {
            batch.push(*address, self.layout.task.head);
        }
        let _gone = target.memory.read_batch(&mut batch);
        let mut tasks = Vec::with_capacity(addresses.len());
        for (slot, address) in addresses.iter().enumerate() {
            let Some(head) = batch.bytes(crate::memory::Slot(slot)) else {
                continue;
            };
            let class = head
                .pointer(target.layout.object.ob_type)
                .unwrap_or(Address::NULL);
            if self.kinds.of_type(target, self.layout, class) == Kind::Task {
                tasks.extend(Task::new(self.layout, *address, head).filter(|task| task.is_pending));
            }
        }
        tasks
    }
}

/// Keeps `most` of the items, each with the same chance.
fn choose(items: &mut Vec<Address>, most: usize, random: &mut impl FnMut(u64) -> u64) {
    for place in 0..items.len().min(most) {
        let other = place + random((items.len() - place) as u64) as usize;
        items.swap(place, other);
    }
    items.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_the_same_chance() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        // 30,000 draws of 3 out of 10: each is expected 9,000 times, one standard error is 79. Five
        // of them have a false-alarm rate of about 6 in 10^6 for all ten.
        let mut counts = [0_u32; 10];
        for _ in 0..30_000 {
            let mut items: Vec<_> = (0..10).map(Address).collect();
            choose(&mut items, 3, &mut random);
            items.iter().for_each(|item| counts[item.0 as usize] += 1);
        }
        assert!(
            counts.iter().all(|count| count.abs_diff(9_000) < 400),
            "{counts:?}"
        );
    }
}
