//! One frame out of its bytes: what runs there, who called it, and whether it still lives.
//!
//! # Where this sits
//! Used by [`crate::frame`], which follows the chain. Reads nothing itself.
//!
//! # Contract
//! The bytes are input: any of them give a frame or `None`, and what a frame says of itself is weighed
//! against the others of its chain.
//!
//! # Sources
//! CPython `Include/internal/pycore_frame.h`, `Python/ceval.c`, `Python/generated_cases.c.h` (3.11-3.13);
//! `Include/internal/pycore_interpframe.h` (3.14, 3.15); `Objects/frameobject.c` (3.9, 3.10).

use crate::ids::Address;
use crate::layout::{EntryMark, InstructionLink, Layout, LifeMark, OWNER_GENERATOR, OWNER_THREAD, OwnerLink};
use crate::memory::Fields;

/// A frame as it was read, not yet checked against its code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) address: Address,
    pub(crate) code: Address,
    pub(crate) instruction: Address,
    pub(crate) owner: u8,
    /// Whether C code called it, and nothing but the caller's state shows whether it still runs.
    pub(crate) entered: bool,
    /// Which of the pieces that were copied one after the other it lies in.
    pub(crate) piece: Piece,
}

/// A number for each stretch of memory that is copied by itself, by its distance from the middle of
/// the batch: what has the higher number was read before and after what has the lower one.
pub(crate) type Piece = u16;

/// The first number of a piece that is one frame by itself; lower ones are chunks of the data stack.
pub(crate) const FIRST_LOOSE: Piece = 64;

impl RawFrame {
    /// Whether both are the same call of the same function, at whatever instruction.
    pub(crate) fn is_same_activation(&self, other: &Self) -> bool {
        (self.address, self.code) == (other.address, other.code)
    }

    /// Whether both are loose and were not read the callee within the caller, or with others between.
    /// Then a loop may have gone round in the time between the readings of the one and of the other.
    pub(crate) fn is_read_apart_from(&self, callee: &Self) -> bool {
        self.piece >= FIRST_LOOSE && callee.piece >= FIRST_LOOSE && self.piece != callee.piece + 1
    }

    /// Whether the state of both, in the same copy, shows that this frame is the callee of its caller.
    pub(crate) fn is_shown_as_callee(&self) -> bool {
        !self.entered && self.owner == OWNER_THREAD
    }
}

/// What a frame says of itself in one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It runs bytecode of its own or has not begun: it lives, and has no callee but through C.
    Executes,
    /// It lives. It may have a callee.
    Lives,
    /// It calls without going through C, or has returned.
    Unknown,
    /// It has returned, is just returning, or is still being set up.
    Ended,
}

/// The fields of one frame.
pub(crate) struct Read {
    pub(crate) raw: RawFrame,
    pub(crate) previous: Address,
    pub(crate) life: Life,
}

impl Read {
    /// Reads the head of the frame at `address`. `None` where the bytes are too few.
    #[inline]
    pub(crate) fn new(layout: &Layout, address: Address, bytes: &[u8], piece: Piece) -> Option<Self> {
        let frame = &layout.frame;
        let code = Address(bytes.word(frame.code)? & !frame.code_tag);
        let start = code.plus(layout.code.size as u64);
        let instruction = match frame.instruction {
            InstructionLink::Pointer(offset) => bytes.pointer(offset)?,
            InstructionLink::Index {
                offset,
                bytes: unit_bytes,
            } => {
                let index = i64::from(bytes.int(offset)?.cast_signed());
                // As if the bytecode lay behind the code object; even, like those that do.
                start.plus(((index * unit_bytes) & !1).cast_unsigned())
            }
        };
        let owner = match frame.owner {
            OwnerLink::Byte(offset) => bytes.byte(offset)?,
            OwnerLink::Generator(offset) if bytes.pointer(offset)?.is_null() => OWNER_THREAD,
            OwnerLink::Generator(_) => OWNER_GENERATOR,
        };
        let entered = match frame.entry {
            // Not needed: each frame says itself whether it runs.
            EntryMark::Every => false,
            EntryMark::Flag { is_entry } => bytes.byte(is_entry)? != 0,
            // Known when the shim before it is met.
            EntryMark::Shim { .. } => false,
        };
        let begun = instruction > start;
        let life = match frame.life {
            LifeMark::Depth { stacktop } if begun && bytes.int(stacktop)?.cast_signed() >= 0 => Life::Unknown,
            LifeMark::Depth { .. } => Life::Executes,
            LifeMark::Code if code.is_null() => Life::Ended,
            LifeMark::Code if begun => Life::Lives,
            LifeMark::Code => Life::Executes,
            LifeMark::State { offset, running } if bytes.byte(offset)? == running => Life::Lives,
            LifeMark::State { .. } => Life::Ended,
        };
        Some(Self {
            raw: RawFrame {
                address,
                code,
                instruction,
                owner,
                entered,
                piece,
            },
            previous: bytes.pointer(frame.previous)?,
            life,
        })
    }
}
