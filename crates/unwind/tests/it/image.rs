//! Memory images: what was read of a live process, kept, served again, and damaged on purpose.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use pyrometer_unwind::{Address, Memory, ReadError};

const PAGE: u64 = 4096;

/// Saved bytes of a process. What was not saved is not mapped.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: HashMap<u64, Page>,
    /// How many reads were served, so that a test can bound the work of a walk.
    pub(crate) reads: Cell<usize>,
}

#[derive(Clone)]
struct Page {
    bytes: Vec<u8>,
    saved: Vec<bool>,
}

impl Image {
    fn save(&mut self, address: Address, bytes: &[u8]) {
        for (byte, address) in bytes.iter().zip(address.0..) {
            let empty = || Page {
                bytes: vec![0; PAGE as usize],
                saved: vec![false; PAGE as usize],
            };
            let page = self.pages.entry(address / PAGE).or_insert_with(empty);
            page.bytes[(address % PAGE) as usize] = *byte;
            page.saved[(address % PAGE) as usize] = true;
        }
    }

    /// Every address that holds a saved 8-byte word, in order.
    pub(crate) fn words(&self) -> Vec<Address> {
        let mut words: Vec<_> = self
            .pages
            .iter()
            .flat_map(|(page, bytes)| {
                (0..PAGE)
                    .step_by(8)
                    .filter(|at| bytes.saved[*at as usize])
                    .map(move |at| page * PAGE + at)
            })
            .map(Address)
            .collect();
        words.sort();
        words
    }

    /// Overwrites one word.
    pub(crate) fn poke(&mut self, address: Address, value: u64) {
        self.save(address, &value.to_le_bytes());
    }

    /// Makes the page of an address unreadable.
    pub(crate) fn unmap(&mut self, address: Address) {
        self.pages.remove(&(address.0 / PAGE));
    }
}

impl Memory for Image {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.reads.set(self.reads.get() + 1);
        let mut filled = 0;
        while filled < buffer.len() {
            let address = address.0.wrapping_add(filled as u64);
            let page = self.pages.get(&(address / PAGE)).ok_or(ReadError::Unmapped)?;
            let start = (address % PAGE) as usize;
            let length = (buffer.len() - filled).min(PAGE as usize - start);
            let saved = &page.saved[start..start + length];
            if saved.contains(&false) {
                return Err(ReadError::Unmapped);
            }
            buffer[filled..filled + length].copy_from_slice(&page.bytes[start..start + length]);
            filled += length;
        }
        Ok(())
    }
}

/// A reader that keeps all it reads.
pub(crate) struct Recording<M> {
    inner: M,
    image: RefCell<Image>,
}

impl<M> Recording<M> {
    pub(crate) fn new(inner: M) -> Self {
        Self {
            inner,
            image: RefCell::default(),
        }
    }

    pub(crate) fn image(&self) -> Image {
        self.image.borrow().clone()
    }
}

impl<M: Memory> Memory for &Recording<M> {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.inner.read(address, buffer)?;
        self.image.borrow_mut().save(address, buffer);
        Ok(())
    }
}
