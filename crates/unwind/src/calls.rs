//! Calls that were seen in exact stacks: where a function is called, and what is called there.
//!
//! # Where this sits
//! Evidence for [`crate::frame`] and [`crate::walker`] where a copy alone does not prove that one
//! frame is the callee of another.
//!
//! # Contract
//! - Bounded by [`KnownCalls::MAX`]. A call that is not known is not believed, which costs a frame of
//!   the sample; it is known as soon as copies that agree have shown it three times.
//! - Even two equal copies may show a call that was not made, where a loop came back to the same
//!   place in between. Such a pair is rare among the calls of its instruction and among those of its
//!   callee, and is not believed for that; a true call that is rare in both ways is not either.
//! - Where frames lie apart on the heap such pairs need not be rare: there the caller's value stack is
//!   asked ([`crate::proof`]). Calls it never names, those that C code makes, are believed as above if
//!   no other call of the instruction, and no other of the one function by the other, is proved.

use std::collections::{HashMap, HashSet};
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
    /// Whether calls are to be proved where they can be.
    asks_for_proof: bool,
    proofs: HashMap<(Address, Address), Proof, AddressHash>,
    /// Instructions, and pairs of functions, of which a call is proved.
    proved_sites: HashSet<Address, AddressHash>,
    proved_edges: HashSet<(Address, Address), AddressHash>,
}

/// What the caller's value stack said of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// It named the callee.
    Found,
    /// It did not, so often.
    Missing(u8),
}

impl KnownCalls {
    /// Most calls remembered. Beyond it all are forgotten and learnt anew.
    const MAX: usize = 1 << 15;
    /// How many calls of one stack are learnt, from the leaf: older ones seldom change meanwhile.
    pub(crate) const DEPTH: usize = 64;
    /// Sightings before a call is believed.
    const ENOUGH: u32 = 3;
    /// A call that is rarer than one in this many is not believed. Chance pairs were seen to be up to
    /// one in 100.
    const RARE: u32 = 16;
    /// A call that is less than one in this many of those of its instruction may be chance even where
    /// the frames were copied within nanoseconds of each other: of such pairs one in 20,000 was seen.
    const CHANCE: u32 = 256;
    /// How often the value stack is asked before a call counts as one that it does not name.
    const PROOF_TRIES: u8 = 8;
    /// The same where the frames were still there when the stack was read again.
    const PROOF_TRIES_CONFIRMED: u8 = 2;

    /// Whether calls are to be proved by the caller's value stack, where it names them.
    pub(crate) fn ask_for_proof(&mut self, ask: bool) {
        self.asks_for_proof = ask;
    }

    /// Learns the calls of an exact stack, leaf first.
    pub(crate) fn learn(&mut self, frames: &[RawFrame]) {
        if self.calls.len().max(self.proofs.len()) >= Self::MAX {
            self.clear();
        }
        for pair in frames.windows(2).take(Self::DEPTH) {
            let (callee, caller) = (&pair[0], &pair[1]);
            if caller.is_read_apart_from(callee) {
                continue;
            }
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
        self.proofs.clear();
        self.proved_sites.clear();
        self.proved_edges.clear();
    }

    /// Whether the value stack is still to be asked for this call.
    pub(crate) fn is_open(&self, caller: &RawFrame, callee: &RawFrame) -> bool {
        self.asks_for_proof
            && match self.proofs.get(&(caller.instruction, callee.code)) {
                Some(Proof::Found) => false,
                Some(Proof::Missing(tries)) => *tries < Self::PROOF_TRIES,
                None => true,
            }
    }

    /// Takes down whether the value stack named the callee.
    pub(crate) fn settle(&mut self, caller: &RawFrame, callee: &RawFrame, found: bool) {
        let proof = self
            .proofs
            .entry((caller.instruction, callee.code))
            .or_insert(Proof::Missing(0));
        match proof {
            _ if found => {
                *proof = Proof::Found;
                self.proved_sites.insert(caller.instruction);
                self.proved_edges.insert((caller.code, callee.code));
            }
            Proof::Missing(tries) => *tries = tries.saturating_add(1),
            Proof::Found => {}
        }
    }

    /// Whether this caller, at its instruction, was seen to call the callee's code. Both may be
    /// confirmed: seen again when the stack was read again.
    pub(crate) fn contains(&self, caller: &RawFrame, callee: &RawFrame, is_confirmed: bool) -> bool {
        let enough = if is_confirmed {
            Self::PROOF_TRIES_CONFIRMED
        } else {
            Self::PROOF_TRIES
        };
        let may_be = match self.proofs.get(&(caller.instruction, callee.code)) {
            Some(Proof::Found) => return true,
            Some(Proof::Missing(tries)) => {
                *tries >= enough
                    && !self.proved_sites.contains(&caller.instruction)
                    && !self.proved_edges.contains(&(caller.code, callee.code))
            }
            None => !self.asks_for_proof,
        };
        may_be
            && seen(self.calls.get(&(caller.instruction, callee.code))) >= Self::ENOUGH
            && !self.is_rare(caller, callee)
    }

    /// Whether this call was seen too often, among the calls of its instruction, to be chance.
    pub(crate) fn is_common(&self, caller: &RawFrame, callee: &RawFrame) -> bool {
        let key = (caller.instruction, callee.code);
        let calls = seen(self.calls.get(&key));
        let of_site = seen(self.sites.get(&caller.instruction));
        let is_chance = calls < Self::ENOUGH || calls.saturating_mul(Self::CHANCE) < of_site;
        !is_chance || self.proofs.get(&key) == Some(&Proof::Found)
    }

    /// Whether few of the calls of the instruction, and of those that lead from the one function to the
    /// other, are this one.
    fn is_rare(&self, caller: &RawFrame, callee: &RawFrame) -> bool {
        let calls = seen(self.calls.get(&(caller.instruction, callee.code)));
        let is_rare = |all: Option<&u32>| calls.saturating_mul(Self::RARE) < seen(all);
        is_rare(self.sites.get(&caller.instruction)) && is_rare(self.edges.get(&(caller.code, callee.code)))
    }
}

fn seen(count: Option<&u32>) -> u32 {
    count.copied().unwrap_or(0)
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
