//! Varints and strings over a byte slice: what the binary formats of this project are made of.

use pyrometer_model::varint;

use crate::feed::FeedError;

pub(crate) use pyrometer_model::varint::put as put_varint;

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
        varint::take(&mut self.rest).ok_or(FeedError::Truncated)
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
    fn a_count_is_bounded_by_what_follows() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 1 << 40);
        assert!(Reader::new(&bytes).count(1).is_err());
    }
}
