//! Walks the frames of one thread, leaf first, through bytes that were copied before.
//!
//! # Where this sits
//! [`crate::plan`] copies and [`crate::snapshot`] serves; this module follows the chain inside the copy
//! and says how far it can be believed; [`crate::walker`] compares two walks and decides.
//!
//! # Contract
//! - No system call of its own, lock or panic; no allocation once the buffers have grown.
//! - The target ran while it was copied, so every link may be stale. The walk is bounded by
//!   [`MAX_DEPTH`] and ends at the first link that cannot be right.
//! - Offsets and meanings come from [`Layout`]. There is no version test in this file.
//!
//! # Sources
//! CPython `Python/ceval.c`, `Python/generated_cases.c.h`; see also [`crate::activation`].

use crate::activation::{Life, Piece, RawFrame, Read};
use crate::calls::KnownCalls;
use crate::error::ReadError;
use crate::ids::Address;
use crate::layout::{EntryMark, Layout, OWNER_GENERATOR, OWNER_THREAD};

/// Most frames kept of one stack, leaf side first. CPython's default recursion limit is 1000;
/// coroutines and C re-entry may add to it. A deeper stack is cut at the root and marked
/// [`Stop::Depth`].
pub const MAX_DEPTH: usize = 1024;

/// Most links followed: every frame may have a shim before it.
const MAX_LINKS: usize = 2 * MAX_DEPTH + 2;

/// How far behind a frame its callee is looked for, in words: locals and value stack of one frame.
const MAX_FRAME_WORDS: usize = 512;

/// Why a walk ended. `Copy` and without text: it is counted, not logged, once per sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The thread's base frame was reached: the stack is complete.
    Base,
    /// [`MAX_DEPTH`] frames were read; older ones exist.
    Depth,
    /// The target's memory at this address could not be read.
    Fault(Address, ReadError),
    /// What is at this address is not a frame: the stack changed under us.
    Torn(Address),
    /// A frame led back to one already visited: the stack changed under us.
    Cycle(Address),
}

/// One walk. Reused from sample to sample.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Leaf first.
    pub(crate) frames: Vec<RawFrame>,
    pub(crate) stop: Stop,
    /// Whether the oldest frame is one that a thread may begin with.
    based: bool,
    leaf: Life,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            stop: Stop::Torn(Address::NULL),
            based: false,
            leaf: Life::Unknown,
        }
    }
}

impl Walk {
    /// Whether the walk ended where walks may end.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_whole() && self.based
    }

    /// Whether the leaf was seen to be alive in this copy. One that was not may have returned.
    pub(crate) fn is_leaf_alive(&self) -> bool {
        self.leaf != Life::Unknown
    }

    /// How many frames, counted from the root, are believed of a walk that another agrees with: all,
    /// up to the first call that needs the evidence of other stacks and has none. The `confirmed` ones
    /// of the root were there in a later reading too.
    pub(crate) fn believed(&self, known: &KnownCalls, confirmed: usize) -> usize {
        let young = self.frames.len().min(KnownCalls::DEPTH + 1);
        let doubtful = |index: usize, callee: &RawFrame, caller: &RawFrame| {
            let together = callee.piece == caller.piece && (index != 0 || self.is_leaf_alive());
            let is_confirmed = self.frames.len() - index <= confirmed;
            !(together || known.contains(caller, callee, is_confirmed))
                || !(is_confirmed || known.is_common(caller, callee))
        };
        let pairs = self.frames[..young].windows(2).enumerate();
        let cut = pairs
            .rev()
            .find(|(index, pair)| doubtful(*index, &pair[0], &pair[1]));
        self.frames.len() - cut.map_or(0, |(index, _)| index + 1)
    }

    /// Whether both walks found the same stack. The leaf's instruction may differ: it moves while the
    /// function runs, lies in one word, and is checked against its code.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.is_sound()
            && self.frames.len() == other.frames.len()
            && self.shared_with(other) == self.frames.len()
    }

    /// How many frames, counted from the root, both walks have. The youngest of them may have moved on.
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        if self.stop != other.stop {
            return 0;
        }
        let mut shared = 0;
        for (one, other) in self.frames.iter().rev().zip(other.frames.iter().rev()) {
            shared += usize::from(one.is_same_activation(other));
            if one != other {
                break;
            }
        }
        shared
    }

    /// Makes it a walk that never started.
    pub(crate) fn fail(&mut self, stop: Stop) {
        self.frames.clear();
        self.stop = stop;
    }

    fn is_whole(&self) -> bool {
        matches!(self.stop, Stop::Base | Stop::Depth)
    }
}

/// Where the bytes of frames come from.
pub(crate) trait Frames {
    /// The head of the frame at `address`, and the piece that it lies in.
    fn frame(&mut self, address: Address) -> Result<(&[u8], Piece), ReadError>;

    /// What was copied of the data stack behind the frame at `address`. Empty where it does not lie
    /// in the youngest chunk.
    fn behind(&self, address: Address) -> &[u8];
}

/// Follows the chain that starts at `head` into `walk`, then looks for callees that the head,
/// read at another moment, does not show.
pub(crate) fn walk(
    layout: &Layout,
    head: Address,
    source: &mut impl Frames,
    known: &KnownCalls,
    walk: &mut Walk,
) {
    walk.frames.clear();
    walk.stop = follow(layout, head, source, walk);
    while walk.is_whole() && walk.frames.len() < MAX_DEPTH && walk.leaf != Life::Executes {
        let Some(leaf) = walk.frames.first() else { break };
        let callee =
            callee_of(layout, leaf, source).filter(|callee| known.contains(leaf, &callee.raw, false));
        let Some(callee) = callee else { break };
        walk.leaf = callee.life;
        walk.frames.insert(0, callee.raw);
    }
}

/// Finds the frame that `caller`, known to be calling, has pushed: the first one behind it on the
/// data stack that names it as its caller. It may be one left behind by an earlier call, if the new
/// one is being set up this instant.
fn callee_of(layout: &Layout, caller: &RawFrame, source: &impl Frames) -> Option<Read> {
    let bytes = source.behind(caller.address);
    let (words, _) = bytes.get(layout.frame.head..)?.as_chunks::<8>();
    let found = words
        .iter()
        .take(MAX_FRAME_WORDS)
        .position(|word| u64::from_le_bytes(*word) == caller.address.0)?;
    let offset = (layout.frame.head + found * 8).checked_sub(layout.frame.previous)?;
    let address = caller.address.plus(offset as u64);
    let callee = Read::new(layout, address, bytes.get(offset..)?, caller.piece)?;
    (callee.raw.is_shown_as_callee() && callee.life != Life::Ended).then_some(callee)
}

fn follow(layout: &Layout, head: Address, source: &mut impl Frames, walk: &mut Walk) -> Stop {
    let mut address = head;
    walk.leaf = Life::Executes;
    walk.based = true;
    // Whether the frame last pushed was entered from C.
    let mut entered = true;
    let mut ended = false;
    let mut oldest_owner = OWNER_THREAD;
    // Brent's cycle detection: compare with a milestone that moves at powers of two.
    let (mut milestone, mut links, mut next_milestone) = (Address::NULL, 0_usize, 1);
    while !address.is_null() {
        if walk.frames.len() == MAX_DEPTH {
            return Stop::Depth;
        }
        if address == milestone || links == MAX_LINKS {
            return Stop::Cycle(address);
        }
        links += 1;
        if links == next_milestone {
            (milestone, next_milestone) = (address, links * 2);
        }
        let (bytes, piece) = match source.frame(address) {
            Ok(found) => found,
            Err(error) => return Stop::Fault(address, error),
        };
        let Some(read) = Read::new(layout, address, bytes, piece) else {
            return Stop::Torn(address);
        };
        if let EntryMark::Shim { first, last } = layout.frame.entry
            && (first..=last).contains(&read.raw.owner)
        {
            if let Some(callee) = walk.frames.last_mut() {
                callee.entered = true;
            }
            entered = true;
            address = read.previous;
            continue;
        }
        if read.raw.owner != OWNER_THREAD && read.raw.owner != OWNER_GENERATOR {
            return Stop::Torn(address);
        }
        let returned = match read.life {
            // A frame that runs has no callee, whatever seemed to be one.
            Life::Executes => !entered,
            Life::Ended => true,
            Life::Lives | Life::Unknown => false,
        };
        if returned {
            walk.frames.clear();
        }
        if read.life == Life::Ended {
            ended = true;
            entered = read.raw.entered;
            oldest_owner = read.raw.owner;
            address = read.previous;
            continue;
        }
        if walk.frames.is_empty() {
            walk.leaf = read.life;
        }
        walk.frames.push(read.raw);
        entered = read.raw.entered;
        oldest_owner = read.raw.owner;
        address = read.previous;
    }
    // A generator that was just left has no caller either.
    walk.based = match layout.frame.entry {
        EntryMark::Shim { .. } => entered,
        EntryMark::Flag { .. } => entered && oldest_owner == OWNER_THREAD,
        EntryMark::Every => oldest_owner == OWNER_THREAD,
    };
    // Nothing but a frame that has returned: it may have lost its caller already.
    walk.based &= !(ended && walk.frames.is_empty());
    Stop::Base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{InstructionLink, LifeMark, OwnerLink, Source};
    use std::collections::HashMap;

    /// Frames by address, nothing behind any.
    struct Made(HashMap<Address, Vec<u8>>);

    impl Frames for Made {
        fn frame(&mut self, address: Address) -> Result<(&[u8], Piece), ReadError> {
            let bytes = self.0.get(&address).ok_or(ReadError::Unmapped)?;
            Ok((bytes, 0))
        }

        fn behind(&self, _: Address) -> &[u8] {
            &[]
        }
    }

    fn layout() -> Layout {
        let version = crate::PythonVersion {
            major: 3,
            minor: 12,
            patch: 0,
        };
        let Some(Source::BuiltIn(layout)) = Layout::source(version) else {
            panic!("no table")
        };
        layout
    }

    /// Frame number `n` is at `n * 0x100`; each begun, of one code; links from the first to the last.
    /// A link is (frame, its caller, its stack depth or -1, owner).
    fn check(links: &[(u64, u64, i32, u8)]) -> Walk {
        let layout = layout();
        let at = |number: u64| Address(number * 0x100);
        let frames = links.iter().map(|&(frame, caller, depth, owner)| {
            let mut bytes = vec![0; layout.frame.head];
            let mut put =
                |offset: usize, value: &[u8]| bytes[offset..offset + value.len()].copy_from_slice(value);
            put(layout.frame.previous, &at(caller).0.to_le_bytes());
            put(layout.frame.code, &0x10_0000_u64.to_le_bytes());
            let (
                InstructionLink::Pointer(instruction),
                LifeMark::Depth { stacktop },
                OwnerLink::Byte(owner_at),
            ) = (layout.frame.instruction, layout.frame.life, layout.frame.owner)
            else {
                panic!("another kind of frame")
            };
            put(instruction, &0x10_0200_u64.to_le_bytes());
            put(stacktop, &depth.to_le_bytes());
            put(owner_at, &[owner]);
            (at(frame), bytes)
        });
        let mut walk_ = Walk::default();
        walk(
            &layout,
            at(links[0].0),
            &mut Made(frames.collect()),
            &KnownCalls::default(),
            &mut walk_,
        );
        walk_
    }

    fn numbers(walk: &Walk) -> Vec<u64> {
        walk.frames.iter().map(|frame| frame.address.0 / 0x100).collect()
    }

    #[test]
    fn a_chain_ends_at_its_base() {
        let walk = check(&[
            (3, 2, -1, 0),
            (2, 9, 4, 0),
            (9, 1, 0, 3),
            (1, 8, -1, 0),
            (8, 0, 0, 3),
        ]);
        assert_eq!(
            (numbers(&walk), walk.stop, walk.is_sound()),
            (vec![3, 2, 1], Stop::Base, true)
        );
        assert_eq!(
            walk.frames.iter().map(|frame| frame.entered).collect::<Vec<_>>(),
            [false, true, true]
        );
    }

    #[test]
    fn what_lies_above_a_running_frame_has_returned() {
        let walk = check(&[(3, 2, -1, 0), (2, 1, -1, 0), (1, 8, 4, 0), (8, 0, 0, 3)]);
        assert_eq!((numbers(&walk), walk.is_sound()), (vec![2, 1], true));
    }

    #[test]
    fn a_chain_that_breaks_off_is_not_sound() {
        assert!(!check(&[(2, 1, -1, 0), (1, 0, 4, 0)]).is_sound());
        assert!(!check(&[(2, 0, -1, 1)]).is_sound());
        let torn = check(&[(2, 1, -1, 0), (1, 0, 4, 2)]);
        assert_eq!((torn.stop, torn.is_sound()), (Stop::Torn(Address(0x100)), false));
        let fault = check(&[(2, 1, -1, 0)]);
        assert_eq!(fault.stop, Stop::Fault(Address(0x100), ReadError::Unmapped));
    }

    #[test]
    fn a_cycle_is_noticed() {
        for length in [1, 2, 3, 7, 500] {
            let links: Vec<_> = (1..=length).map(|n| (n, n % length + 1, 4, 0)).collect();
            let walk = check(&links);
            assert!(matches!(walk.stop, Stop::Cycle(_)), "{length}: {:?}", walk.stop);
            assert!(!walk.is_sound());
        }
    }

    #[test]
    fn a_deep_stack_keeps_its_leaf_side() {
        let links: Vec<_> = (1..=2000)
            .rev()
            .map(|n| (n, n - 1, if n == 2000 { -1 } else { 4 }, 0))
            .collect();
        let walk = check(&links);
        assert_eq!(
            (walk.stop, walk.frames.len(), numbers(&walk)[0]),
            (Stop::Depth, MAX_DEPTH, 2000)
        );
        assert!(walk.is_sound());
    }
}
