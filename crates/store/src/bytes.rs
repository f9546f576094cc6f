//! Label sets as bytes: the form inside blobs of the store.

use pyrometer_model::{Labels, varint};

/// A label set as bytes; equal sets give equal bytes.
pub(crate) fn labels_to_bytes(labels: &Labels) -> Vec<u8> {
    let mut out = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        varint::put(&mut out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Reads [`labels_to_bytes`] back.
pub(crate) fn labels_from_bytes(mut bytes: &[u8]) -> Option<Labels> {
    let mut labels = Labels::new();
    while !bytes.is_empty() {
        let name = take_text(&mut bytes)?;
        labels.set(name, take_text(&mut bytes)?);
    }
    Some(labels)
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(varint::take(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken() {
        for value in [0, 127, 128, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            varint::put(&mut bytes, value);
            assert_eq!(varint::take(&mut bytes.as_slice()), Some(value));
            assert_eq!(varint::take(&mut &bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(varint::take(&mut [0xff_u8; 11].as_slice()), None);
        let labels = Labels::new().with("a", "").with("ü", "=\u{1f}\"");
        assert_eq!(labels_from_bytes(&labels_to_bytes(&labels)), Some(labels));
        assert_eq!(labels_from_bytes(&[1, b'a', 9]), None);
    }
}
