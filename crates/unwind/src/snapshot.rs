//! Serves frames out of one of the two copies of a thread's stack.
//!
//! # Where this sits
//! A [`Plan`] predicts where the stack lies and copies it; [`crate::frame`] follows the chain of frames
//! through a [`View`] of one copy.
//!
//! # Contract
//! A prediction that was wrong costs reads, never truth: a frame outside the copy is read by itself,
//! counted in [`View::missed`], and planned for next time.

use crate::activation::{Life, Piece, Read};
use crate::error::ReadError;
use crate::frame::Frames;
use crate::ids::Address;
use crate::layout::{FrameLink, MAX_STRUCT};
use crate::memory::{Batch, Fields, Memory, Slot, read_pointer};
use crate::plan::{MAX_CHUNKS, MAX_LOOSE, Plan};
use crate::target::Target;

/// One of the two copies in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Before,
    After,
}

/// Which of the thread's ideas of its youngest frame to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The one in a copy of the thread state.
    Of(Which),
    /// That of the C frame before the current one: for the moment in which the evaluation loop has
    /// linked its C frame and not filled it yet.
    Outer,
    /// The youngest frame that was planned and is seen to live: for frames on the heap, of which the
    /// one that the thread state named has returned before it was read.
    Planned,
}

/// Buffers of a [`View`], kept between samples.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Frames met outside the chunks, leaf first.
    pub(crate) loose: Vec<Address>,
    /// How many reads were not predicted.
    pub(crate) missed: usize,
    frame: [u8; MAX_STRUCT],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            loose: Vec::new(),
            missed: 0,
            frame: [0; MAX_STRUCT],
        }
    }
}

/// Serves frames out of one copy, and reads by itself what the copy lacks.
pub(crate) struct View<'a, M: Memory> {
    target: &'a Target<M>,
    plan: &'a Plan,
    batch: &'a Batch,
    scratch: &'a mut Scratch,
    which: Which,
    youngest: (Address, &'a [u8]),
}

impl<'a, M: Memory> View<'a, M> {
    pub(crate) fn new(
        target: &'a Target<M>,
        plan: &'a Plan,
        batch: &'a Batch,
        scratch: &'a mut Scratch,
        which: Which,
    ) -> Self {
        let youngest = plan.chunks.first().and_then(|chunk| {
            let slot = plan.chunk_slot(&target.layout, which, 0);
            Some((chunk.address, batch.bytes(slot)?))
        });
        scratch.loose.clear();
        scratch.missed = 0;
        let youngest = youngest.unwrap_or((Address::NULL, &[]));
        Self {
            target,
            plan,
            batch,
            scratch,
            which,
            youngest,
        }
    }

    /// The youngest frame by the copied thread state, null where the thread runs no Python.
    pub(crate) fn head(&mut self, kind: Head) -> Result<Address, ReadError> {
        let last = self.batch.len().wrapping_sub(1);
        let (thread_at, cframe_at) = match kind {
            Head::Planned => return self.youngest_alive().ok_or(ReadError::Torn),
            Head::Of(Which::Before) => (self.plan.first_slot(), self.plan.first_slot() + 1),
            Head::Of(Which::After) | Head::Outer => (last, last.wrapping_sub(1)),
        };
        let thread = self.batch.bytes(Slot(thread_at)).ok_or(ReadError::Unmapped)?;
        let (address, current_frame, previous) = match self.target.layout.thread.frame_link {
            FrameLink::Thread { current_frame } => {
                return thread.pointer(current_frame).ok_or(ReadError::Torn);
            }

            FrameLink::CFrame {
                cframe,
                current_frame,
                previous,
            } => (
                thread.pointer(cframe).ok_or(ReadError::Torn)?,
                current_frame as u64,
                previous as u64,
            ),
        };
        if address.is_null() {
            return Ok(Address::NULL);
        }
        if kind == Head::Outer {
            let outer = read_pointer(&self.target.memory, address.plus(previous))?;
            return read_pointer(&self.target.memory, outer.plus(current_frame));
        }
        if address == self.plan.cframe
            && let Some(bytes) = self.batch.bytes(Slot(cframe_at))
        {
            return bytes.pointer(0).ok_or(ReadError::Torn);
        }
        self.scratch.missed += 1;
        read_pointer(&self.target.memory, address.plus(current_frame))
    }

    fn youngest_alive(&self) -> Option<Address> {
        let layout = &self.target.layout;
        let mut loose = self.plan.loose.iter().enumerate();
        loose.find_map(|(index, address)| {
            let bytes = self
                .batch
                .bytes(self.plan.loose_slot(layout, self.which, index))?;
            let life = Read::new(layout, *address, bytes, 0)?.life;
            (life == Life::Lives).then_some(*address)
        })
    }

    fn copied_loose(&self, address: Address) -> Option<(&'a [u8], Piece)> {
        // Walks meet loose frames in the order of last time, so the expected one is tried first.
        let expected = self.plan.spare + self.scratch.loose.len();
        let index = if self.plan.loose.get(expected) == Some(&address) {
            expected
        } else {
            self.plan.loose.iter().position(|planned| *planned == address)?
        };
        let slot = self.plan.loose_slot(&self.target.layout, self.which, index);
        Some((self.batch.bytes(slot)?, (MAX_CHUNKS + index) as Piece))
    }

    fn copied_in_chunk(&self, address: Address) -> Option<(&'a [u8], Piece)> {
        let head = self.target.layout.frame.head;
        self.plan
            .chunks
            .iter()
            .enumerate()
            .skip(1)
            .find_map(|(index, chunk)| {
                let offset = address.0.checked_sub(chunk.address.0)?;
                if offset >= chunk.length as u64 {
                    return None;
                }
                let slot = self.plan.chunk_slot(&self.target.layout, self.which, index);
                let bytes = self.batch.bytes(slot)?;
                Some((bytes.get(offset as usize..)?.get(..head)?, index as Piece))
            })
    }
}

impl<M: Memory> Frames for View<'_, M> {
    #[inline]
    fn frame(&mut self, address: Address) -> Result<(&[u8], Piece), ReadError> {
        let head = self.target.layout.frame.head;
        let (start, bytes) = self.youngest;
        let offset = address.0.wrapping_sub(start.0);
        if offset < bytes.len() as u64
            && let Some(frame) = bytes.get(offset as usize..).and_then(|rest| rest.get(..head))
        {
            return Ok((frame, 0));
        }
        if let Some(found) = self.copied_in_chunk(address) {
            return Ok(found);
        }
        let copied = self.copied_loose(address);
        if self.scratch.loose.len() == MAX_LOOSE {
            return Err(ReadError::Torn);
        }
        self.scratch.loose.push(address);
        if let Some(found) = copied {
            return Ok(found);
        }
        self.scratch.missed += 1;
        // Read by itself: next to no other.
        let piece = Piece::MAX - (2 * self.scratch.missed) as Piece;
        let frame = &mut self.scratch.frame[..head];
        self.target.memory.read(address, frame)?;
        Ok((frame, piece))
    }

    fn behind(&self, address: Address) -> &[u8] {
        let (start, bytes) = self.youngest;
        let offset = usize::try_from(address.0.wrapping_sub(start.0)).unwrap_or(usize::MAX);
        bytes.get(offset..).unwrap_or(&[])
    }
}
