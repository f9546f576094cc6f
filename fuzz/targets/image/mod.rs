//! A small memory whose words point into itself, so that mutations make lists, trees and cycles.

use std::cell::Cell;

use pyrometer_unwind::{Address, Memory, PythonVersion, ReadError};

/// Where the memory lies.
pub const BASE: u64 = 0x7f00_0000_0000;
const WORDS: usize = 2048;

/// Words before and after the read that changes them.
pub struct Image {
    before: Vec<u64>,
    after: Vec<u64>,
    change_at: usize,
    reads: Cell<usize>,
}

impl Image {
    /// Each pair puts a word somewhere: a small number, or an address in here. The last quarter of them
    /// is put only after so many reads.
    pub fn new(pairs: &[(u16, u16)], change_at: usize) -> Self {
        let mut before = vec![0; WORDS];
        let early = pairs.len() - pairs.len() / 4;
        let put = |words: &mut Vec<u64>, pairs: &[(u16, u16)]| {
            for &(place, value) in pairs {
                words[usize::from(place) % WORDS] = match value {
                    0..0x4000 => u64::from(value),
                    0x4000..0xfff0 => BASE + u64::from(value & 0x3fff),
                    _ => u64::MAX >> (value & 15),
                };
            }
        };
        put(&mut before, &pairs[..early]);
        let mut after = before.clone();
        put(&mut after, &pairs[early..]);
        Self {
            before,
            after,
            change_at,
            reads: Cell::new(0),
        }
    }

    /// Puts one word, by its index.
    #[allow(dead_code, reason = "not every target does")]
    pub fn put(&mut self, index: usize, word: u64) {
        if index < WORDS {
            self.before[index] = word;
            self.after[index] = word;
        }
    }

    /// Reads so far.
    #[allow(dead_code, reason = "not every target asks")]
    pub fn reads(&self) -> usize {
        self.reads.get()
    }
}

impl Memory for Image {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.reads.set(self.reads.get() + 1);
        let words = if self.reads.get() > self.change_at {
            &self.after
        } else {
            &self.before
        };
        let start = address.0.checked_sub(BASE).ok_or(ReadError::Unmapped)? as usize;
        let end = start.checked_add(buffer.len()).filter(|end| *end <= WORDS * 8);
        end.ok_or(ReadError::Unmapped)?;
        for (at, byte) in buffer.iter_mut().enumerate() {
            let place = start + at;
            *byte = words[place / 8].to_le_bytes()[place % 8];
        }
        Ok(())
    }
}

/// One of the releases with a table of its own.
#[allow(dead_code, reason = "not every target asks")]
pub fn release(number: u8) -> PythonVersion {
    let hex = [0x0309_12f0, 0x030a_0df0, 0x030b_07f0, 0x030c_01f0];
    PythonVersion::from_hex(hex[usize::from(number) % hex.len()])
}
