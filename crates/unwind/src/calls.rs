//! Calls that were seen in exact stacks: where a function is called, and what is called there.
//!
//! # Where this sits
//! Evidence for [`crate::frame`] and [`crate::walker`] where a copy alone does not prove that one
//! frame is the callee of another.
//!
//! # Contract
//! Bounded by [`KnownCalls::MAX`]. A call that is not known is not believed, which costs a frame of
//! the sample; it is known as soon as one exact stack has shown it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::frame::RawFrame;
use crate::ids::Address;

/// Pairs of the address of the calling instruction and the code called.
#[derive(Debug, Default)]
pub(crate) struct KnownCalls(HashSet<(Address, Address), AddressHash>);

impl KnownCalls {
    /// Most calls remembered. Beyond it all are forgotten and learnt anew.
    const MAX: usize = 1 << 15;
    /// How many calls of one stack are learnt, from the leaf: older ones seldom change meanwhile.
    const DEPTH: usize = 16;

    /// Learns the calls of an exact stack, leaf first.
    pub(crate) fn learn(&mut self, frames: &[RawFrame]) {
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        for pair in frames.windows(2).take(Self::DEPTH) {
            self.0.insert((pair[1].instruction, pair[0].code));
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether this caller, at its instruction, was seen to call the callee's code.
    pub(crate) fn contains(&self, caller: &RawFrame, callee: &RawFrame) -> bool {
        self.0.contains(&(caller.instruction, callee.code))
    }
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
