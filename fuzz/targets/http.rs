//! Requests to a worker's endpoint: each is answered or dropped, in pieces of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, Vec<u8>)| {
    let (piece, request) = data;
    let answer = pyrometer_agent::fuzzing::serve(&request, usize::from(piece) + 1);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "));
});
