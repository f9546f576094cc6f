//! Reading the target's memory: the trait every reader implements, and the batch it fills.
//!
//! # Where this sits
//! Everything above reads through [`Memory`]; only [`process`] and [`indirect`] make system calls. Tests put a
//! saved image behind the same trait.
//!
//! # Contract
//! - A read never dereferences a target address: an unmapped one is an error, not a crash.
//! - A batch is filled in order, first request first. The walker's proof that a stack is whole
//!   rests on that order.
//! - Filling a batch does not allocate once its buffers have grown to their working size.

mod indirect;
pub(crate) mod own;
pub(crate) mod process;

use std::ops::Range;

use crate::error::ReadError;
use crate::ids::Address;

/// A reader of one target's memory.
pub trait Memory {
    /// Fills `buffer` from `address`, wholly or not at all (its content is unspecified on error).
    ///
    /// # Errors
    /// [`ReadError::Unmapped`] if any byte is not readable, [`ReadError::Gone`] or
    /// [`ReadError::Denied`] for the process as a whole.
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError>;

    /// Fills every request of the batch that can be read, in order, and marks which were.
    ///
    /// # Errors
    /// Only what concerns the whole process: [`ReadError::Gone`], [`ReadError::Denied`].
    /// A request whose address is not mapped is left unmarked: [`Batch::bytes`] gives `None`.
    fn read_batch(&self, batch: &mut Batch) -> Result<(), ReadError> {
        for index in 0..batch.requests.len() {
            let request = batch.requests[index].clone();
            match self.read(request.address, &mut batch.buffer[request.range]) {
                Ok(()) => batch.requests[index].filled = true,
                Err(ReadError::Unmapped | ReadError::Torn) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Several reads issued together, with one buffer behind them. Reused from sample to sample.
#[derive(Debug, Default)]
pub struct Batch {
    buffer: Vec<u8>,
    used: usize,
    requests: Vec<Request>,
}

#[derive(Clone, Debug)]
struct Request {
    address: Address,
    range: Range<usize>,
    filled: bool,
}

/// Names one request of the batch it was made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub(crate) usize);

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all requests, keeps the buffers.
    pub fn clear(&mut self) {
        self.requests.clear();
        self.used = 0;
    }

    /// Adds a request for `length` bytes at `address`.
    pub fn push(&mut self, address: Address, length: usize) -> Slot {
        let range = self.used..self.used + length;
        self.used = range.end;
        if self.buffer.len() < range.end {
            self.buffer.resize(range.end, 0);
        }
        self.requests.push(Request {
            address,
            range,
            filled: false,
        });
        Slot(self.requests.len() - 1)
    }

    /// The bytes of a request, or `None` if they could not be read.
    #[must_use]
    pub fn bytes(&self, slot: Slot) -> Option<&[u8]> {
        let request = self.requests.get(slot.0)?;
        request.filled.then(|| &self.buffer[request.range.clone()])
    }

    /// The bytes of each request that could be read, in order.
    pub(crate) fn filled(&self) -> impl Iterator<Item = &[u8]> {
        let filled = self.requests.iter().filter(|request| request.filled);
        filled.map(|request| &self.buffer[request.range.clone()])
    }

    /// The address a request was made for.
    #[must_use]
    pub fn address(&self, slot: Slot) -> Address {
        self.requests
            .get(slot.0)
            .map_or(Address::NULL, |request| request.address)
    }

    /// How many requests were made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether no request was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

/// Fields of foreign structures, by offset. `None` where the structure is too short.
pub(crate) trait Fields {
    fn word(&self, offset: usize) -> Option<u64>;
    fn int(&self, offset: usize) -> Option<u32>;
    fn byte(&self, offset: usize) -> Option<u8>;

    fn pointer(&self, offset: usize) -> Option<Address> {
        self.word(offset).map(Address)
    }
}

impl Fields for [u8] {
    fn word(&self, offset: usize) -> Option<u64> {
        let bytes = self.get(offset..)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*bytes))
    }

    fn int(&self, offset: usize) -> Option<u32> {
        let bytes = self.get(offset..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.get(offset).copied()
    }
}

/// Reads one pointer.
pub(crate) fn read_pointer(memory: &impl Memory, address: Address) -> Result<Address, ReadError> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes)?;
    Ok(Address(u64::from_le_bytes(bytes)))
}
