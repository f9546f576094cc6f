//! What to copy of a thread's stack: predicts where it lies, and copies that twice in one system call.
//!
//! # Where this sits
//! Between [`crate::memory`] and [`crate::snapshot`], which serves frames out of what was copied.
//!
//! # Contract
//! - What is copied by itself are pieces: loose frames, and chunks of the data stack. In the order from
//!   root to leaf, with chunks last, each is read a second time right after its successor was read the
//!   first time: p0 p1 p0' p2 p1' p3 p2' ..., with the thread state before and after them all.
//! - So a caller is read before and after its callee, a few hundred nanoseconds apart however deep the
//!   stack is. A caller that reads the same both times was calling in between, unless it has returned
//!   and come back there in that short time. From pair to pair, the stack was whole when its leaf was
//!   read.
//! - Lengths taken from the target are bounded by [`MAX_CHUNK`], [`MAX_CHUNKS`] and [`MAX_LOOSE`].

use crate::activation::FIRST_LOOSE;
use crate::error::ReadError;
use crate::frame::MAX_DEPTH;
use crate::gil::{self, Gil};
use crate::ids::Address;
use crate::layout::{FrameLink, Layout, StackLink};
use crate::memory::{Batch, Fields, Memory, Slot};
use crate::snapshot::{Scratch, Which};
use crate::target::Target;

/// Most bytes copied of one data-stack chunk. CPython's are 16 KiB unless one frame is larger.
const MAX_CHUNK: usize = 1 << 20;
/// Most chunks copied: 1024 frames of the usual size fill about 10.
pub(crate) const MAX_CHUNKS: usize = FIRST_LOOSE as usize;
/// Most frames outside the chunks in one walk: generators, shims on the C stack, and all frames of
/// releases without chunks.
pub(crate) const MAX_LOOSE: usize = MAX_DEPTH;
/// Loose frames planned that the last sample did not have. Without them a thread that
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
    pub(crate) cframe: Address,
    /// Youngest first.
    pub(crate) chunks: Vec<Chunk>,
    /// Leaf first: the spare ones, then those of the last sample.
    pub(crate) loose: Vec<Address>,
    /// How many of the loose ones are spare.
    pub(crate) spare: usize,
}

/// A chunk of the data stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub(crate) address: Address,
    /// Bytes to copy.
    pub(crate) length: usize,
    /// Bytes it has in all.
    size: usize,
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
        let loose = self.loose.iter().map(|address| (*address, layout.frame.head));
        let chunks = self.chunks.iter().map(|chunk| (chunk.address, chunk.length));
        let mut read = None;
        for piece in chunks.chain(loose).rev() {
            batch.push(piece.0, piece.1);
            read.replace(piece)
                .map(|(address, length)| batch.push(address, length));
        }
        read.map(|(address, length)| batch.push(address, length));
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
    pub(crate) fn first_slot(&self) -> usize {
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
            let Some(header) = batch.bytes(self.chunk_slot(layout, Which::After, index)) else {
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

    /// Takes over what a walk found, for the next sample. A walk that was not sound adds to the plan.
    pub(crate) fn learn<M: Memory>(
        &mut self,
        target: &Target<M>,
        batch: &Batch,
        found: &mut Scratch,
        is_sound: bool,
    ) {
        let layout = &target.layout;
        if found.missed != 0 {
            self.lengthen(layout, &mut found.loose);
        }
        if is_sound {
            self.plan_loose(&mut found.loose);
        } else {
            self.add_spare(&found.loose);
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
                // Shorter by and by: a thread that calls deeply now and then would miss its plan each time.
                let length = (used + SLACK).max(chunk.length - chunk.length / 64);
                chunk.length = length.min(chunk.size);
            }
        }
    }

    /// Plans the loose frames of a stack, and some of the last plan.
    fn plan_loose(&mut self, found: &mut Vec<Address>) {
        if self.loose.ends_with(found) {
            self.spare = self.loose.len() - found.len();
            return;
        }
        // A spare frame may be called by a loose one, so it goes where it is read within it.
        let young = self.loose.len().min(MAX_COMPARED);
        let mut spare = [Address::NULL; MAX_SPARE];
        let others = self.loose[..young].iter().filter(|old| !found.contains(old));
        self.spare = spare
            .iter_mut()
            .zip(others)
            .map(|(slot, old)| *slot = *old)
            .count();
        self.loose.clear();
        self.loose.extend_from_slice(&spare[..self.spare]);
        self.loose.append(found);
    }

    /// Plans these as well. Of the spare ones, those planned first go where they are too many.
    fn add_spare(&mut self, found: &[Address]) {
        for address in found.iter().rev() {
            if !self.loose.contains(address) && self.loose.len() < MAX_LOOSE {
                self.loose.insert(0, *address);
                self.spare += 1;
            }
        }
        let surplus = self.spare.saturating_sub(MAX_COMPARED);
        self.loose.drain(self.spare - surplus..self.spare);
        self.spare -= surplus;
    }

    /// Plans frames that lie behind what was copied of the youngest chunk as part of it.
    fn lengthen(&mut self, layout: &Layout, loose: &mut Vec<Address>) {
        let Some(chunk) = self.chunks.first_mut() else {
            return;
        };
        loose.retain(|address| {
            let end = (address.0.wrapping_sub(chunk.address.0) as usize).saturating_add(layout.frame.head);
            let is_within = end <= chunk.size;
            if is_within {
                chunk.length = chunk.length.max(end);
            }
            !is_within
        });
    }

    pub(crate) fn chunk_slot(&self, layout: &Layout, which: Which, index: usize) -> Slot {
        let links = match layout.thread.frame_link {
            FrameLink::CFrame { .. } => 2,
            FrameLink::Thread { .. } => 1,
        };
        let pieces = self.chunks.len() + self.loose.len();
        // How many pieces are read for the first time before this one.
        let earlier = pieces - 1 - index;
        let place = match which {
            Which::Before => (2 * earlier).saturating_sub(1),
            Which::After if index == 0 => 2 * earlier + 1,
            Which::After => 2 * earlier + 2,
        };
        Slot(self.first_slot() + links + place)
    }

    pub(crate) fn loose_slot(&self, layout: &Layout, which: Which, index: usize) -> Slot {
        self.chunk_slot(layout, which, self.chunks.len() + index)
    }
}
