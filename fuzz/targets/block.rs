//! Blocks of the store: damage is found, and what is read can be written again.
#![no_main]

use block::{BlockReader, BlockWriter, Rows};
use libfuzzer_sys::fuzz_target;
use pyrometer_model::{ProfileKind, varint};

#[path = "../../crates/store/src/block.rs"]
mod block;

fuzz_target!(|data: &[u8]| {
    check(data);
    // As the inside of a whole frame, so that mutations get past the compression.
    let mut blob = Vec::new();
    varint::put(&mut blob, data.len() as u64);
    blob.extend(zstd::bulk::compress(data, 1).unwrap());
    check(&blob);
});

fn check(blob: &[u8]) {
    // A length of 256 MiB is within bounds: too slow to ask for in every run.
    if varint::take(&mut &*blob).is_some_and(|length| length > 1 << 20) {
        return;
    }
    let mut reader = BlockReader::new().unwrap();
    let mut stacks = Vec::new();
    let mut columns = Vec::new();
    for column in 0..ProfileKind::Sampler.columns().len() + 1 {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        let read = reader.read(blob, ProfileKind::Sampler, column, |stack, value| {
            ids.push(stack);
            values.push(value);
        });
        if read.is_some() {
            stacks = ids;
            columns.push(values);
        }
    }
    if columns.len() == ProfileKind::Sampler.columns().len() {
        let _written = BlockWriter::new()
            .unwrap()
            .write(&Rows::new(&stacks, &columns))
            .unwrap();
    }
}
