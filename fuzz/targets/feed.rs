//! The window feed and the spool file: decoding never panics, and what it accepts it writes back.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use pyrometer_formats::feed::Feed;

fuzz_target!(|data: &[u8]| {
    // Whatever arrives, and then as the payload of an answer that is well delivered.
    check(data);
    check(&wrapped(data));
});

fn check(bytes: &[u8]) {
    if let Ok(feed) = Feed::decode(bytes) {
        assert_eq!(Feed::decode(&feed.encode()).as_ref(), Ok(&feed));
    }
}

fn wrapped(payload: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(payload).unwrap();
    let length = u32::try_from(payload.len()).unwrap();
    let mut bytes = b"PYRF\x01".to_vec();
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(packed.finish().unwrap());
    bytes
}
