//! The most recent keys in order, with the rank of each: how many came after it.
//!
//! A key has the slot of its last access; a Fenwick tree counts the slots in use behind any slot.
//! When the slots run out, the keys move together at their front. At most `capacity` keys are kept:
//! the one that was not seen for longest goes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Keys are digests already: hashing them again would cost and give nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

type Slots = HashMap<u64, usize, BuildHasherDefault<DigestHasher>>;

/// See the head of this file.
#[derive(Clone, Debug)]
pub(super) struct Recency {
    capacity: usize,
    slot_of: Slots,
    /// The key of each slot given out since the last move, if it is still that key's last.
    keys: Vec<Option<u64>>,
    /// Fenwick tree over the slots in use.
    counts: Vec<u32>,
    /// No slot before it is in use.
    oldest: usize,
}

impl Recency {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slot_of: Slots::default(),
            keys: Vec::new(),
            // One place more than keys, and as many again to move seldom.
            counts: vec![0; 2 * (capacity + 1)],
            oldest: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Notes the key as the most recent one. Returns how many keys, this one included, came since
    /// its last access; `None` if it is not among those kept.
    pub(super) fn access(&mut self, key: u64) -> Option<usize> {
        let distance = self.slot_of.get(&key).copied().map(|slot| {
            let before = self.in_use_before(slot);
            self.release(slot);
            self.len() - before
        });
        if self.keys.len() == self.counts.len() {
            self.move_together(distance.is_some().then_some(key));
        }
        let slot = self.keys.len();
        self.keys.push(Some(key));
        self.count(slot, 1);
        self.slot_of.insert(key, slot);
        if self.len() > self.capacity {
            self.forget_oldest();
        }
        distance
    }

    /// Forgets a key.
    pub(super) fn remove(&mut self, key: u64) {
        if let Some(slot) = self.slot_of.remove(&key) {
            self.release(slot);
        }
    }

    fn forget_oldest(&mut self) {
        while let Some(entry) = self.keys.get(self.oldest) {
            if let &Some(key) = entry {
                self.remove(key);
                return;
            }
            self.oldest += 1;
        }
    }

    fn release(&mut self, slot: usize) {
        self.keys[slot] = None;
        self.count(slot, -1);
    }

    /// Gives the keys the slots from 0 in the same order. `but` has no slot at the moment.
    fn move_together(&mut self, but: Option<u64>) {
        self.counts.fill(0);
        self.oldest = 0;
        let keys = std::mem::take(&mut self.keys);
        for key in keys.into_iter().flatten().filter(|&key| Some(key) != but) {
            let slot = self.keys.len();
            self.keys.push(Some(key));
            self.count(slot, 1);
            self.slot_of.insert(key, slot);
        }
    }

    fn count(&mut self, slot: usize, change: i32) {
        let mut place = slot + 1;
        while place <= self.counts.len() {
            let count = &mut self.counts[place - 1];
            *count = count.wrapping_add_signed(change);
            place += place & place.wrapping_neg();
        }
    }

    fn in_use_before(&self, slot: usize) -> usize {
        let (mut place, mut sum) = (slot, 0);
        while place > 0 {
            sum += self.counts[place - 1] as usize;
            place -= place & place.wrapping_neg();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_a_list() {
        let mut recency = Recency::new(5);
        let mut list: Vec<u64> = Vec::new();
        let mut random = 1_u64;
        for _ in 0..5_000 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let key = random >> 61;
            let expected = list
                .iter()
                .rev()
                .position(|&other| other == key)
                .map(|rank| rank + 1);
            list.retain(|&other| other != key);
            list.push(key);
            if list.len() > 5 {
                list.remove(0);
            }
            assert_eq!(recency.access(key), expected);
            if random & 0xf00 == 0 {
                recency.remove(key ^ 1);
                list.retain(|&other| other != key ^ 1);
            }
            assert_eq!(recency.len(), list.len());
        }
    }
}
