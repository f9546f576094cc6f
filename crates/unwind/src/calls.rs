//! Calls that were seen in exact stacks: where a function is called, and what is called there.
//!
//! # Where this sits
//! Evidence for [`crate::frame`] and [`crate::walker`] where a copy alone does not prove that one
//! frame is the callee of another.
//!
//! # Contract
//! - Bounded by [`KnownCalls::MAX`]. A call that is not known is not believed, which costs a frame of
//!   the sample; it is known as soon as exact stacks have shown it twice.
//! - Even two equal copies may show a call that was not made, where a loop came back to the same
//!   place in between. Such a pair is rare among the calls of its instruction and among those of its
//!   callee, and is not believed for that; a true call that is rare in both ways is not either.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::activation::RawFrame;
use crate::ids::Address;

/// How often calls were seen, by different keys.
#[derive(Debug, Default)]
pub(crate) struct KnownCalls {
    /// By the address of the calling instruction and the code called.
    calls: HashMap<(Address, Address), u32, AddressHash>,
    /// By the calling instruction.
    sites: HashMap<Address, u32, AddressHash>,
    /// By the calling and the called code.
    edges: HashMap<(Address, Address), u32, AddressHash>,
}

impl KnownCalls {
    /// Most calls remembered. Beyond it all are forgotten and learnt anew.
    const MAX: usize = 1 << 15;
    /// How many calls of one stack are learnt, from the leaf: older ones seldom change meanwhile.
    pub(crate) const DEPTH: usize = 16;
    /// Sightings before a call is believed.
    const ENOUGH: u32 = 2;
    /// A call that is rarer than one in this many is not believed. Chance pairs were seen to be up to
    /// one in 100.
    const RARE: u32 = 16;

    /// Learns the calls of an exact stack, leaf first.
    pub(crate) fn learn(&mut self, frames: &[RawFrame]) {
        if self.calls.len() >= Self::MAX {
            self.clear();
        }
        for pair in frames.windows(2).take(Self::DEPTH) {
            let (callee, caller) = (&pair[0], &pair[1]);
            count(&mut self.calls, (caller.instruction, callee.code));
            count(&mut self.sites, caller.instruction);
            count(&mut self.edges, (caller.code, callee.code));
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.sites.clear();
        self.edges.clear();
    }

    /// Whether this caller, at its instruction, was seen to call the callee's code.
    pub(crate) fn contains(&self, caller: &RawFrame, callee: &RawFrame) -> bool {
        let seen = |count: Option<&u32>| count.copied().unwrap_or(0);
        let calls = seen(self.calls.get(&(caller.instruction, callee.code)));
        let is_rare = |all: u32| calls.saturating_mul(Self::RARE) < all;
        calls >= Self::ENOUGH
            && !(is_rare(seen(self.sites.get(&caller.instruction)))
                && is_rare(seen(self.edges.get(&(caller.code, callee.code)))))
    }
}

fn count<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32, AddressHash>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

/// Hashes addresses for maps and sets.
pub(crate) type AddressHash = BuildHasherDefault<AddressHasher>;

/// Hashes addresses by one multiplication: they are ours to choose, not an attacker's.
#[derive(Debug, Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // 2^64 / golden ratio; the swap brings the well mixed high bits down.
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes();
    }
}
