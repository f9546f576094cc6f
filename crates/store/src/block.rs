//! Values by stack as a blob: ids ascending in delta varints, columns as varints, then zstd.
//!
//! The blob is `length of what follows, inflated` as a varint, then one zstd frame of
//! `count, id deltas, column after column`. Values are quanta, as they came.

use pyrometer_model::{ProfileKind, StackId, varint};
use zstd::bulk::{Compressor, Decompressor};

/// Level of compression: higher ones gain below 3 % on blocks of this size and cost twice the time.
const LEVEL: i32 = 3;

/// Most bytes of an inflated block, so that a damaged length cannot ask for all memory.
const MAX_BLOCK_BYTES: u64 = 256 << 20;

/// Stacks in ascending order, each with one value per column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) stacks: Vec<StackId>,
    pub(crate) columns: Vec<Vec<u64>>,
}

impl Rows {
    /// Sorts by stack; rows of the same stack are added up.
    pub(crate) fn new(stacks: &[StackId], columns: &[Vec<u64>]) -> Self {
        let mut order: Vec<usize> = (0..stacks.len()).collect();
        order.sort_by_key(|&row| stacks[row]);
        let mut rows = Self {
            stacks: Vec::with_capacity(stacks.len()),
            columns: vec![Vec::new(); columns.len()],
        };
        for row in order {
            let again = rows.stacks.last() == Some(&stacks[row]);
            if !again {
                rows.stacks.push(stacks[row]);
            }
            for (sorted, column) in rows.columns.iter_mut().zip(columns) {
                match sorted.last_mut() {
                    Some(value) if again => *value = value.saturating_add(column[row]),
                    _ => sorted.push(column[row]),
                }
            }
        }
        rows
    }
}

/// Writes blocks; keeps the compressor's memory between them.
pub(crate) struct BlockWriter(Compressor<'static>);

impl BlockWriter {
    pub(crate) fn new() -> std::io::Result<Self> {
        Compressor::new(LEVEL).map(Self)
    }

    pub(crate) fn write(&mut self, rows: &Rows) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::with_capacity(rows.stacks.len() * 5);
        varint::put(&mut plain, rows.stacks.len() as u64);
        let mut previous = 0;
        for &StackId(id) in &rows.stacks {
            varint::put(&mut plain, u64::from(id - previous));
            previous = id;
        }
        rows.columns
            .iter()
            .flatten()
            .for_each(|&value| varint::put(&mut plain, value));
        let mut blob = Vec::new();
        varint::put(&mut blob, plain.len() as u64);
        blob.extend(self.0.compress(&plain)?);
        Ok(blob)
    }
}

/// Reads blocks; keeps the decompressor's memory and its buffers between them.
pub(crate) struct BlockReader {
    zstd: Decompressor<'static>,
    plain: Vec<u8>,
    stacks: Vec<u32>,
}

impl BlockReader {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            zstd: Decompressor::new()?,
            plain: Vec::new(),
            stacks: Vec::new(),
        })
    }

    /// Calls `each` with every stack and its value in one column, in quanta.
    /// `None` when the blob is damaged; `each` may have been called before that was seen.
    pub(crate) fn read(
        &mut self,
        mut blob: &[u8],
        kind: ProfileKind,
        column: usize,
        mut each: impl FnMut(StackId, u64),
    ) -> Option<()> {
        let length = varint::take(&mut blob).filter(|&length| length <= MAX_BLOCK_BYTES)? as usize;
        self.plain.clear();
        self.plain.reserve(length);
        let written = self.zstd.decompress_to_buffer(blob, &mut self.plain).ok()?;
        let mut rest = self.plain.get(..written)?;
        let count = usize::try_from(varint::take(&mut rest)?)
            .ok()
            .filter(|&count| count <= length)?;
        self.stacks.clear();
        let mut id = 0_u32;
        for _ in 0..count {
            id = id.checked_add(u32::try_from(varint::take(&mut rest)?).ok()?)?;
            self.stacks.push(id);
        }
        if column >= kind.columns().len() {
            return None;
        }
        for _ in 0..column * count {
            varint::take(&mut rest)?;
        }
        for &id in &self.stacks {
            each(StackId(id), varint::take(&mut rest)?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(blob: &[u8], column: usize) -> Option<Vec<(u32, u64)>> {
        let mut found = Vec::new();
        let mut reader = BlockReader::new().unwrap();
        reader.read(blob, ProfileKind::Sampler, column, |stack, value| {
            found.push((stack.0, value))
        })?;
        Some(found)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows in prop::collection::btree_map(any::<u32>(), any::<[u64; 3]>(), 0..50)) {
            let stacks: Vec<StackId> = rows.keys().rev().map(|&id| StackId(id)).collect();
            let columns: Vec<Vec<u64>> =
                (0..3).map(|column| rows.values().rev().map(|values| values[column]).collect()).collect();
            let blob = BlockWriter::new().unwrap().write(&Rows::new(&stacks, &columns)).unwrap();
            for column in 0..3 {
                let expected: Vec<(u32, u64)> = rows.iter().map(|(&id, values)| (id, values[column])).collect();
                prop_assert_eq!(read(&blob, column), Some(expected));
            }
            prop_assert_eq!(read(&blob, 3), None);
        }

        #[test]
        fn damage_never_panics(blob in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&blob, 1);
        }
    }

    #[test]
    fn rows_of_one_stack_are_added() {
        let rows = Rows::new(&[StackId(4), StackId(2), StackId(4)], &[vec![1, 2, 3]]);
        assert_eq!(
            rows,
            Rows {
                stacks: vec![StackId(2), StackId(4)],
                columns: vec![vec![2, 4]]
            }
        );
    }
}
