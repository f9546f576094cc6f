//! Varints and strings over a byte slice: what the binary formats of this project are made of.

use crate::feed::FeedError;

/// Appends `value`, 7 bits per byte, least significant first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the length of `text` and its bytes.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Takes values off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], FeedError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(FeedError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, FeedError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(FeedError::Malformed("number beyond 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FeedError::Malformed("number beyond 64 bits"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FeedError> {
        u32::try_from(self.varint()?).map_err(|_| FeedError::Malformed("number beyond 32 bits"))
    }

    /// A count of things that take at least `each` bytes: more than can follow is refused, so that
    /// no allocation exceeds what was really sent.
    pub(crate) fn count(&mut self, each: usize) -> Result<usize, FeedError> {
        let count = usize::try_from(self.varint()?).map_err(|_| FeedError::Truncated)?;
        if count > self.rest.len() / each.max(1) {
            return Err(FeedError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn text(&mut self) -> Result<String, FeedError> {
        let length = self.count(1)?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| FeedError::Malformed("text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_overlong_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.varint().ok(), Some(value));
            assert!(reader.is_empty());
        }
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
                .varint()
                .is_err()
        );
        assert!(Reader::new(&[0x80]).varint().is_err());
    }

    #[test]
    fn a_count_is_bounded_by_what_follows() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 1 << 40);
        assert!(Reader::new(&bytes).count(1).is_err());
    }
}
