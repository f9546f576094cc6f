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
    /// Each four bytes put something somewhere: place, then value, 16 bits each, little-endian. The last
    /// quarter of them is put only after so many reads.
    pub fn new(puts: &[u8], change_at: usize) -> Self {
        let mut before = vec![0; WORDS];
        let late = puts.len() / 16 * 4;
        let (early, late) = puts.split_at(puts.len() - late);
        early.chunks_exact(4).for_each(|four| set(&mut before, four));
        let mut after = before.clone();
        late.chunks_exact(4).for_each(|four| set(&mut after, four));
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

/// The place has the index of a word in its lower 13 bits, and above them which 16 bits of it are meant;
/// 0 sets all of it: to a small number, or to an address in here.
fn set(words: &mut [u64], four: &[u8]) {
    let place = u16::from_le_bytes([four[0], four[1]]);
    let value = u16::from_le_bytes([four[2], four[3]]);
    let word = &mut words[usize::from(place & 0x1fff) % WORDS];
    *word = match (place >> 13, value) {
        (part @ 1.., _) => *word | u64::from(value) << (16 * (part & 3)),
        (0, 0..0x4000) => u64::from(value),
        (0, 0x4000..0xfff0) => BASE + u64::from(value & 0x3fff),
        (0, _) => u64::MAX >> (value & 15),
    };
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
