//! Copies what a thread's stack lies in, twice, with one system call.
//!
//! # Where this sits
//! Between [`crate::memory`] and [`crate::frame`]: a [`Plan`] predicts from the last sample where
//! the stack lies, [`Plan::issue`] copies it, a [`View`] serves frames out of one of the two copies.
//!
//! # Contract
//! - The copies are taken in the order: GIL, thread state, C frame, loose frames (root first), chunks |
//!   chunks, loose frames (leaf first), C frame, thread state. So there is an instant that lies between the two readings of
//!   every byte: what reads the same in both was, but for a change there and back, so at that instant.
//! - A prediction that was wrong costs reads, never truth: a frame outside the copy is read by
//!   itself, counted in [`View::missed`], and planned for next time.
//! - Lengths taken from the target are bounded by [`MAX_CHUNK`], [`MAX_CHUNKS`] and [`MAX_LOOSE`].

use crate::activation::Piece;
use crate::error::ReadError;
use crate::frame::{Frames, MAX_DEPTH};
use crate::gil::{self, Gil};
use crate::ids::Address;
use crate::layout::{FrameLink, Layout, MAX_STRUCT, StackLink};
use crate::memory::{Batch, Fields, Memory, Slot, read_pointer};
use crate::target::Target;

/// Most bytes copied of one data-stack chunk. CPython's are 16 KiB unless one frame is larger.
const MAX_CHUNK: usize = 1 << 20;
/// Most chunks copied: 1024 frames of the usual size fill about 10.
const MAX_CHUNKS: usize = 64;
/// Most frames outside the chunks in one walk: generators, shims on the C stack, and all frames of
/// releases without chunks.
const MAX_LOOSE: usize = MAX_DEPTH;
/// Loose frames planned that the last sample did not have, youngest first. Without them a thread that
/// goes back and forth between two functions would miss its plan each time, and reading again would
/// prefer the stacks in between.
const MAX_SPARE: usize = 8;
/// How many frames of the last plan are looked at for those.
const MAX_COMPARED: usize = 32;
/// Copied beyond the part in use, so that a few calls more do not miss: about 8 frames.
const SLACK: usize = 1024;

/// Where a thread's stack lay last time.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Interpreter of the thread, and where it tells who holds its GIL, unless threads tell.
    interpreter: Address,
    gil: Option<Address>,
    cframe: Address,
    /// Youngest first.
    chunks: Vec<Chunk>,
    /// Leaf first.
    loose: Vec<Address>,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    address: Address,
    /// Bytes to copy.
    length: usize,
    /// Bytes it has in all.
    size: usize,
}

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
}

impl Plan {
    /// Copies everything planned, twice, into `batch`.
    pub(crate) fn issue<M: Memory>(
        &self,
        target: &Target<M>,
        tstate: Address,
        batch: &mut Batch,
    ) -> Result<(), ReadError> {
        let layout = &target.layout;
        let cframe = match layout.thread.frame_link {
            FrameLink::CFrame { current_frame, .. } => Some(self.cframe.plus(current_frame as u64)),
            FrameLink::Thread { .. } => None,
        };
        batch.clear();
        self.gil.map(|address| batch.push(address, gil::length(layout)));
        batch.push(tstate, layout.thread.head);
        cframe.map(|address| batch.push(address, 8));
        for address in self.loose.iter().rev() {
            batch.push(*address, layout.frame.head);
        }
        for _ in [Which::Before, Which::After] {
            for chunk in &self.chunks {
                batch.push(chunk.address, chunk.length);
            }
        }
        for address in &self.loose {
            batch.push(*address, layout.frame.head);
        }
        cframe.map(|address| batch.push(address, 8));
        batch.push(tstate, layout.thread.head);
        target.memory.read_batch(batch)
    }

    /// Finds the GIL, when the thread's interpreter is met for the first time.
    pub(crate) fn plan_gil<M: Memory>(&mut self, target: &Target<M>, interpreter: Address) {
        if self.interpreter != interpreter {
            self.interpreter = interpreter;
            // What cannot be found is not read, and unknown.
            self.gil = gil::address(target, interpreter).unwrap_or(None);
        }
    }

    /// What the thread had to do with the GIL when the first copy was made.
    pub(crate) fn gil(&self, layout: &Layout, tstate: Address, batch: &Batch) -> Gil {
        let thread = batch.bytes(Slot(self.first_slot()));
        let words = self.gil.and_then(|_| batch.bytes(Slot(0)));
        thread.map_or(Gil::Unknown, |thread| gil::of(layout, tstate, words, thread))
    }

    /// The slot of the first copy of the thread state.
    fn first_slot(&self) -> usize {
        usize::from(self.gil.is_some())
    }

    /// Whether the chunks in use are the planned ones, as far as the later copy tells.
    pub(crate) fn fits(&self, layout: &Layout, batch: &Batch) -> bool {
        let Some(thread) = batch.bytes(Slot(batch.len().wrapping_sub(1))) else {
            return false;
        };
        let StackLink::Chunks {
            datastack_chunk,
            datastack_top,
            chunk: chunk_layout,
        } = layout.thread.stack
        else {
            return true;
        };
        let (Some(first), Some(top)) = (thread.pointer(datastack_chunk), thread.pointer(datastack_top))
        else {
            return false;
        };
        let mut link = first;
        for (index, chunk) in self.chunks.iter().enumerate() {
            if link != chunk.address {
                return false;
            }
            if index == 0 && top.0.wrapping_sub(link.0) > chunk.length as u64 {
                return false;
            }
            let slot = Slot(self.chunk_slot(layout, Which::After) + index);
            let Some(header) = batch.bytes(slot) else {
                return false;
            };
            link = header.pointer(chunk_layout.previous).unwrap_or(Address::NULL);
        }
        link.is_null() || self.chunks.len() == MAX_CHUNKS
    }

    /// Plans the chunks anew from the thread state, with one read per chunk.
    pub(crate) fn plan_chunks<M: Memory>(
        &mut self,
        target: &Target<M>,
        batch: &Batch,
    ) -> Result<(), ReadError> {
        let StackLink::Chunks {
            datastack_chunk,
            datastack_top,
            chunk: layout,
        } = target.layout.thread.stack
        else {
            return Ok(());
        };
        let thread = batch
            .bytes(Slot(batch.len().wrapping_sub(1)))
            .ok_or(ReadError::Unmapped)?;
        let mut link = thread.pointer(datastack_chunk).ok_or(ReadError::Torn)?;
        let top = thread.pointer(datastack_top).ok_or(ReadError::Torn)?;
        self.chunks.clear();
        let mut header = [0; 64];
        let header = header.get_mut(..layout.data).ok_or(ReadError::Torn)?;
        while !link.is_null() && self.chunks.len() < MAX_CHUNKS {
            target.memory.read(link, header)?;
            let size = header.word(layout.size).ok_or(ReadError::Torn)?;
            let size = usize::try_from(size)
                .unwrap_or(MAX_CHUNK)
                .clamp(layout.data, MAX_CHUNK);
            let used = if self.chunks.is_empty() {
                top.0.wrapping_sub(link.0)
            } else {
                // A chunk that is not the youngest keeps its fill, in pointers, in its header.
                let words = header.word(layout.top).ok_or(ReadError::Torn)?;
                words.saturating_mul(8).saturating_add(layout.data as u64)
            };
            let used = usize::try_from(used).unwrap_or(size);
            let slack = if self.chunks.is_empty() { SLACK } else { 0 };
            let length = used.saturating_add(slack).min(size);
            self.chunks.push(Chunk {
                address: link,
                length,
                size,
            });
            link = header.pointer(layout.previous).ok_or(ReadError::Torn)?;
        }
        Ok(())
    }

    /// Takes over what a walk found, for the next sample.
    pub(crate) fn learn<M: Memory>(&mut self, target: &Target<M>, batch: &Batch, found: &mut Scratch) {
        let layout = &target.layout;
        if found.missed != 0 || !self.loose.starts_with(&found.loose) {
            let seen = found.loose.len();
            for old in self.loose.iter().take(MAX_COMPARED) {
                if found.loose.len() < seen + MAX_SPARE && !found.loose[..seen].contains(old) {
                    found.loose.push(*old);
                }
            }
            std::mem::swap(&mut self.loose, &mut found.loose);
        }
        let Some(thread) = batch.bytes(Slot(batch.len().wrapping_sub(1))) else {
            return;
        };
        if let FrameLink::CFrame { cframe, .. } = layout.thread.frame_link {
            self.cframe = thread.pointer(cframe).unwrap_or(Address::NULL);
        }
        if let StackLink::Chunks { datastack_top, .. } = layout.thread.stack
            && let (Some(chunk), Some(top)) = (self.chunks.first_mut(), thread.pointer(datastack_top))
        {
            let used = usize::try_from(top.0.wrapping_sub(chunk.address.0)).unwrap_or(0);
            if used <= chunk.size {
                chunk.length = (used + SLACK).min(chunk.size);
            }
        }
    }

    fn chunk_slot(&self, layout: &Layout, which: Which) -> usize {
        let links = match layout.thread.frame_link {
            FrameLink::CFrame { .. } => 2,
            FrameLink::Thread { .. } => 1,
        };
        let first = self.first_slot() + links + self.loose.len();
        match which {
            Which::Before => first,
            Which::After => first + self.chunks.len(),
        }
    }
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
    chunks_at: usize,
    loose_at: usize,
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
        let chunks_at = plan.chunk_slot(&target.layout, which);
        let loose_at = match which {
            Which::Before => chunks_at - plan.loose.len(),
            Which::After => chunks_at + plan.chunks.len(),
        };
        let youngest = plan
            .chunks
            .first()
            .and_then(|chunk| Some((chunk.address, batch.bytes(Slot(chunks_at))?)));
        scratch.loose.clear();
        scratch.missed = 0;
        let youngest = youngest.unwrap_or((Address::NULL, &[]));
        Self {
            target,
            plan,
            batch,
            scratch,
            which,
            chunks_at,
            loose_at,
            youngest,
        }
    }

    /// The youngest frame by the copied thread state, null where the thread runs no Python.
    pub(crate) fn head(&mut self, kind: Head) -> Result<Address, ReadError> {
        let last = self.batch.len().wrapping_sub(1);
        let (thread_at, cframe_at) = match kind {
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

    fn copied_loose(&self, address: Address) -> Option<&'a [u8]> {
        // Walks meet loose frames in the order of last time, so the expected one is tried first.
        let expected = self.scratch.loose.len();
        let index = if self.plan.loose.get(expected) == Some(&address) {
            expected
        } else {
            self.plan.loose.iter().position(|planned| *planned == address)?
        };
        let slot = match self.which {
            Which::Before => self.plan.loose.len() - 1 - index,
            Which::After => index,
        };
        self.batch.bytes(Slot(self.loose_at + slot))
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
                let bytes = self.batch.bytes(Slot(self.chunks_at + index))?;
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
        let piece = (MAX_CHUNKS + self.scratch.loose.len()) as Piece;
        self.scratch.loose.push(address);
        if let Some(frame) = copied {
            return Ok((frame, piece));
        }
        self.scratch.missed += 1;
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
