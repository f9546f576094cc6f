//! Walks the frames of one thread, leaf first, through bytes that were copied before.
//!
//! # Where this sits
//! [`crate::snapshot`] copies; this module follows the chain inside the copy and says how far it
//! can be believed; [`crate::walker`] compares two walks and decides.
//!
//! # Contract
//! - No system call of its own, lock or panic; no allocation once the buffers have grown.
//! - The target ran while it was copied, so every link may be stale. The walk is bounded by
//!   [`MAX_DEPTH`] and ends at the first link that cannot be right.
//! - Offsets and meanings come from [`Layout`]. There is no version test in this file.
//!
//! # Sources
//! CPython `Include/internal/pycore_frame.h`, `Python/ceval.c`, `Python/generated_cases.c.h` (3.11-3.13).

use crate::error::ReadError;
use crate::ids::Address;
use crate::layout::{EntryMark, FrameLayout, OWNER_GENERATOR, OWNER_THREAD};
use crate::memory::Fields;

/// Most frames kept of one stack, leaf side first. CPython's default recursion limit is 1000;
/// coroutines and C re-entry may add to it. A deeper stack is cut at the root and marked
/// [`Stop::Depth`].
pub const MAX_DEPTH: usize = 1024;

/// Most links followed: every frame may have a shim before it.
const MAX_LINKS: usize = 2 * MAX_DEPTH + 2;

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

/// A frame as it was read, not yet checked against its code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) address: Address,
    pub(crate) code: Address,
    pub(crate) instruction: Address,
    pub(crate) owner: u8,
}

/// One walk. Reused from sample to sample.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Leaf first.
    pub(crate) frames: Vec<RawFrame>,
    pub(crate) stop: Stop,
    /// Whether the leaf executes and the oldest frame is a thread's base: what a thread looks like
    /// between calls. A thread in a trace function may look otherwise for long, so this is a
    /// reason to look again and not to refuse.
    pub(crate) settled: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            stop: Stop::Torn(Address::NULL),
            settled: false,
        }
    }
}

impl Walk {
    /// Whether the walk reached a place where walks may end.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.stop, Stop::Base | Stop::Depth)
    }
}

/// Where the bytes of frames come from.
pub(crate) trait Frames {
    /// The head of the frame at `address`.
    fn frame(&mut self, address: Address) -> Result<&[u8], ReadError>;
}

/// Follows the chain that starts at `head` into `walk`.
pub(crate) fn walk(layout: &FrameLayout, head: Address, source: &mut impl Frames, walk: &mut Walk) {
    walk.frames.clear();
    walk.settled = false;
    walk.stop = follow(layout, head, source, walk);
}

fn follow(layout: &FrameLayout, head: Address, source: &mut impl Frames, walk: &mut Walk) -> Stop {
    let mut address = head;
    let mut leaf_runs = true;
    // Whether the frame last pushed was entered from C.
    let mut entered = true;
    let mut oldest_owner = OWNER_THREAD;
    // Brent's cycle detection: compare with a milestone that moves at powers of two.
    let (mut milestone, mut links, mut next_milestone) = (Address::NULL, 0_usize, 1);
    while !address.is_null() {
        if walk.frames.len() == MAX_DEPTH {
            walk.settled = leaf_runs;
            return Stop::Depth;
        }
        if address == milestone || links == MAX_LINKS {
            return Stop::Cycle(address);
        }
        links += 1;
        if links == next_milestone {
            (milestone, next_milestone) = (address, links * 2);
        }
        let bytes = match source.frame(address) {
            Ok(bytes) => bytes,
            Err(error) => return Stop::Fault(address, error),
        };
        let Some(read) = Read::new(layout, bytes) else {
            return Stop::Torn(address);
        };
        if let EntryMark::Shim { owner } = layout.entry
            && read.owner == owner
        {
            entered = true;
            address = read.previous;
            continue;
        }
        if read.owner != OWNER_THREAD && read.owner != OWNER_GENERATOR {
            return Stop::Torn(address);
        }
        if !entered && read.executes {
            // This frame is the running one: what seemed to be its callees has returned.
            walk.frames.clear();
        }
        if walk.frames.is_empty() {
            leaf_runs = read.executes;
        }
        walk.frames.push(RawFrame {
            address,
            code: read.code,
            instruction: read.instruction,
            owner: read.owner,
        });
        entered = read.entered;
        oldest_owner = read.owner;
        address = read.previous;
    }
    // A generator that was just left has no caller either.
    let based = match layout.entry {
        EntryMark::Shim { .. } => entered,
        EntryMark::Flag { .. } => entered && oldest_owner == OWNER_THREAD,
    };
    walk.settled = leaf_runs && based;
    Stop::Base
}

/// The fields of one frame.
struct Read {
    previous: Address,
    code: Address,
    instruction: Address,
    owner: u8,
    executes: bool,
    entered: bool,
}

impl Read {
    #[inline]
    fn new(layout: &FrameLayout, bytes: &[u8]) -> Option<Self> {
        Some(Self {
            previous: bytes.pointer(layout.previous)?,
            code: bytes.pointer(layout.code)?,
            instruction: bytes.pointer(layout.instruction)?,
            owner: bytes.byte(layout.owner)?,
            executes: bytes.int(layout.stacktop)?.cast_signed() < 0,
            entered: match layout.entry {
                EntryMark::Flag { is_entry } => bytes.byte(is_entry)? != 0,
                EntryMark::Shim { .. } => false,
            },
        })
    }
}
