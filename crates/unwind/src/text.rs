//! Python's str objects: all four kinds of compact strings, decoded to Rust's.
//!
//! # Where this sits
//! Used by [`crate::code`] for names and paths. Reads nothing itself.
//!
//! # Contract
//! At most [`MAX_TEXT`] characters; the rest is cut. What is no character
//! (a lone surrogate of an undecodable file name) becomes U+FFFD.
//!
//! # Sources
//! CPython `Include/cpython/unicodeobject.h`.

use crate::code::MAX_TEXT;
use crate::layout::TextLayout;
use crate::memory::Fields;

/// How the characters of one str object are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Offset of the characters in the object.
    pub(crate) data: usize,
    width: Width,
    characters: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    One = 1,
    Two = 2,
    Four = 4,
}

impl Shape {
    /// Reads the head of an object. `None` if it is not a compact str.
    pub(crate) fn new(layout: &TextLayout, head: &[u8]) -> Option<Self> {
        let state = head.int(layout.state)?;
        if state >> layout.compact_bit & 1 == 0 {
            return None;
        }
        let width = match state >> layout.kind_shift & 7 {
            1 => Width::One,
            2 => Width::Two,
            4 => Width::Four,
            _ => return None,
        };
        let ascii = state >> layout.ascii_bit & 1 == 1;
        let length = head.word(layout.length)?.cast_signed();
        let characters = usize::try_from(length).ok()?.min(MAX_TEXT);
        Some(Self {
            data: if ascii {
                layout.ascii_data
            } else {
                layout.compact_data
            },
            width,
            characters,
        })
    }

    /// Bytes to read at [`Shape::data`].
    pub(crate) fn bytes(self) -> usize {
        self.characters * self.width as usize
    }

    /// Decodes the characters.
    pub(crate) fn decode(self, data: &[u8]) -> String {
        let character = |value: u32| char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        match self.width {
            Width::One => data.iter().map(|byte| char::from(*byte)).collect(),
            Width::Two => {
                let (units, _) = data.as_chunks::<2>();
                units
                    .iter()
                    .map(|unit| character(u16::from_le_bytes(*unit).into()))
                    .collect()
            }
            Width::Four => {
                let (units, _) = data.as_chunks::<4>();
                units
                    .iter()
                    .map(|unit| character(u32::from_le_bytes(*unit)))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: TextLayout = TextLayout {
        length: 16,
        hash: 24,
        state: 32,
        kind_shift: 2,
        compact_bit: 5,
        ascii_bit: 6,
        ascii_data: 40,
        compact_data: 56,
    };

    fn head(length: i64, kind: u32, flags: u32) -> Vec<u8> {
        let mut head = vec![0; 56];
        head[16..24].copy_from_slice(&length.to_le_bytes());
        head[32..36].copy_from_slice(&(kind << 2 | flags).to_le_bytes());
        head
    }

    const COMPACT: u32 = 1 << 5;
    const ASCII: u32 = 1 << 6;

    #[test]
    fn each_kind_is_decoded() {
        let check = |kind, flags, data_at, data: &[u8], expect: &str| {
            let length = i64::try_from(data.len() / kind as usize).unwrap();
            let shape = Shape::new(&LAYOUT, &head(length, kind, flags)).unwrap();
            assert_eq!((shape.data, shape.bytes()), (data_at, data.len()));
            assert_eq!(shape.decode(data), expect);
        };
        check(1, COMPACT | ASCII, 40, b"main", "main");
        check(1, COMPACT, 56, b"\xe9t\xe9", "été");
        check(2, COMPACT, 56, &[0x6f, 0x4e, 0x00, 0xdc], "乯\u{fffd}");
        check(4, COMPACT, 56, &[0x25, 0xf5, 0x01, 0x00], "🔥");
    }

    #[test]
    fn what_is_no_compact_string_is_refused_and_lengths_are_bounded() {
        assert_eq!(Shape::new(&LAYOUT, &head(4, 1, 0)), None);
        assert_eq!(Shape::new(&LAYOUT, &head(4, 3, COMPACT)), None);
        assert_eq!(Shape::new(&LAYOUT, &head(-1, 1, COMPACT)), None);
        assert_eq!(Shape::new(&LAYOUT, &[0; 20]), None);
        assert_eq!(
            Shape::new(&LAYOUT, &head(i64::MAX, 4, COMPACT)).unwrap().bytes(),
            4 * MAX_TEXT
        );
    }
}
