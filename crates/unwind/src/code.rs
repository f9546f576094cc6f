//! Copies of code objects: what a frame's code is called, where it is written, its lines.
//!
//! # Where this sits
//! The walker needs [`Facts`] only, to check an instruction against its code. Names and lines are
//! copied when the user of a sample first meets a code object, which is not per sample.
//!
//! # Contract
//! - A code object may be freed at any time and its address used again. [`Fingerprint`] tells two
//!   apart; a copy is returned only if the fingerprint was the same before and after.
//! - Lengths come from the target and are bounded: [`MAX_TEXT`], [`MAX_LINE_TABLE`], [`MAX_UNITS`].
//!
//! # Sources
//! CPython `Include/cpython/code.h`, `Include/cpython/unicodeobject.h`, `Objects/codeobject.c`.

use crate::error::{CodeError, ReadError};
use crate::ids::Address;
use crate::layout::{BytecodeLink, Identity, Layout};
use crate::lines::LineTable;
use crate::memory::{Batch, Fields, Memory, read_pointer};
use crate::target::Target;
use crate::text;

/// Most characters kept of a name or path; longer ones are cut.
pub const MAX_TEXT: usize = 4096;
/// Longest location table copied, in bytes. A longer one gives a code object without lines.
pub const MAX_LINE_TABLE: usize = 16 << 20;
/// Most code units of one code object. CPython's own limit is `INT_MAX` bytes.
const MAX_UNITS: u64 = 1 << 30;

/// Tells the code objects apart that an address held over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Of the fields that stay the same.
    fields: u64,
    /// Its name, and the hash that the name keeps. Null and 0 where the fields tell all.
    name: Address,
    name_hash: u64,
}

/// A copy of a code object, valid for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeObject {
    /// Qualified name, `Class.method` or `outer.<locals>.inner`.
    pub name: String,
    /// File as the compiler was told, not resolved.
    pub file: String,
    /// Line of the `def`, or of its first decorator; 1 for modules.
    pub first_line: u32,
    /// Lines by code unit.
    pub lines: LineTable,
    /// Which of the objects at this address was copied.
    pub fingerprint: Fingerprint,
}

/// What the walker must know to check an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Address of the first code unit.
    pub(crate) start: Address,
    /// Number of code units.
    pub(crate) units: u32,
    /// Frames of functions that have not come to this unit are still being set up.
    pub(crate) first_traceable: u32,
}

impl<M: Memory> Target<M> {
    /// Copies a code object. About three system calls.
    ///
    /// # Errors
    /// [`CodeError::NotCode`] if something else is at the address, [`CodeError::Changed`] if the
    /// object was freed meanwhile, [`CodeError::Read`] if it cannot be read.
    pub fn code(&self, address: Address) -> Result<CodeObject, CodeError> {
        let layout = &self.layout;
        let header = self.code_header(address)?;
        let Facts { units, .. } = self.facts_of(address, &header)?;
        let field = |offset: usize| header.pointer(offset).ok_or(CodeError::NotCode);
        let parts = [
            field(layout.code.qualname)?,
            field(layout.code.filename)?,
            field(layout.code.linetable)?,
        ];

        let mut batch = Batch::new();
        let head = layout.text.compact_data.max(layout.object.bytes_data);
        let heads = parts.map(|part| batch.push(part, head));
        self.memory.read_batch(&mut batch)?;
        let head_of = |slot| batch.bytes(slot).ok_or(ReadError::Unmapped);
        let name = text::Shape::new(&layout.text, head_of(heads[0])?).ok_or(CodeError::Changed)?;
        let file = text::Shape::new(&layout.text, head_of(heads[1])?).ok_or(CodeError::Changed)?;
        let name_hash = head_of(heads[0])?.word(layout.text.hash);
        let table_length = head_of(heads[2])?
            .word(layout.object.ob_size)
            .ok_or(CodeError::Changed)?;
        let table_length = usize::try_from(table_length)
            .ok()
            .filter(|length| *length <= MAX_LINE_TABLE);

        batch.clear();
        let name_at = batch.push(parts[0].plus(name.data as u64), name.bytes());
        let file_at = batch.push(parts[1].plus(file.data as u64), file.bytes());
        let table_at = batch.push(
            parts[2].plus(layout.object.bytes_data as u64),
            table_length.unwrap_or(0),
        );
        let hash_at = batch.push(parts[0].plus(layout.text.hash as u64), 8);
        let again = batch.push(address, layout.code.size);
        self.memory.read_batch(&mut batch)?;
        let bytes_of = |slot| batch.bytes(slot).ok_or(ReadError::Unmapped);
        let fingerprint = self.fingerprint(&header, name_hash).ok_or(CodeError::NotCode)?;
        let name_hash = bytes_of(hash_at)?.word(0);
        if self.fingerprint(bytes_of(again)?, name_hash) != Some(fingerprint) {
            return Err(CodeError::Changed);
        }
        let first_line = header.int(layout.code.firstlineno).ok_or(CodeError::NotCode)?;
        Ok(CodeObject {
            name: name.decode(bytes_of(name_at)?),
            file: file.decode(bytes_of(file_at)?),
            first_line,
            lines: LineTable::decode(layout.code.lines, bytes_of(table_at)?, first_line, units),
            fingerprint,
        })
    }

    /// Tells, in the order given, which code objects are still those that were copied, with one
    /// batched read. Allocates.
    pub fn are_same(&self, copied: &[(Address, Fingerprint)], out: &mut Vec<bool>) {
        let hash_at = self.layout.text.hash as u64;
        let mut batch = Batch::new();
        let slots: Vec<_> = copied
            .iter()
            .map(|(address, fingerprint)| {
                let header = batch.push(*address, self.layout.code.size);
                let named = !fingerprint.name.is_null();
                (
                    header,
                    named.then(|| batch.push(fingerprint.name.plus(hash_at), 8)),
                )
            })
            .collect();
        // Where the process is gone, no request is filled, and none is the same.
        let _gone = self.memory.read_batch(&mut batch);
        out.clear();
        out.extend(
            copied
                .iter()
                .zip(slots)
                .map(|((_, fingerprint), (header, hash))| {
                    let found = || {
                        let hash = hash.and_then(|slot| batch.bytes(slot)?.word(0));
                        self.fingerprint(batch.bytes(header)?, hash)
                    };
                    found() == Some(*fingerprint)
                }),
        );
    }

    /// Reads what the walker needs of a code object.
    pub(crate) fn code_facts(&self, address: Address, header: &mut Vec<u8>) -> Result<Facts, CodeError> {
        header.resize(self.layout.code.size, 0);
        self.memory.read(address, header)?;
        self.facts_of(address, header)
    }

    fn code_header(&self, address: Address) -> Result<Vec<u8>, ReadError> {
        let mut header = vec![0; self.layout.code.size];
        self.memory.read(address, &mut header)?;
        Ok(header)
    }

    fn facts_of(&self, address: Address, header: &[u8]) -> Result<Facts, CodeError> {
        let Layout { code, object, .. } = &self.layout;
        if header.pointer(object.ob_type) != Some(self.code_type) {
            return Err(CodeError::NotCode);
        }
        let (units, first_traceable) = match code.bytecode {
            BytecodeLink::Inline { firsttraceable } => {
                (header.word(object.ob_size), header.int(firsttraceable))
            }
            BytecodeLink::Bytes { code } => {
                let bytes = header.pointer(code).ok_or(CodeError::NotCode)?;
                let length = read_pointer(&self.memory, bytes.plus(object.ob_size as u64))?.0;
                (Some(length / 2), Some(0))
            }
        };
        let units = units.filter(|units| (1..=MAX_UNITS).contains(units));
        let units = units.and_then(|units| u32::try_from(units).ok());
        Ok(Facts {
            start: address.plus(code.size as u64),
            units: units.ok_or(CodeError::NotCode)?,
            first_traceable: first_traceable.ok_or(CodeError::NotCode)?,
        })
    }

    /// Hashes the fields that stay the same through the life of a code object. `None` if it is none.
    fn fingerprint(&self, header: &[u8], name_hash: Option<u64>) -> Option<Fingerprint> {
        let Layout { code, object, .. } = &self.layout;
        if header.pointer(object.ob_type) != Some(self.code_type) {
            return None;
        }
        let fields = constant_fields(&self.layout, header)?;
        Some(match code.identity {
            Identity::Version => Fingerprint {
                fields,
                name: Address::NULL,
                name_hash: 0,
            },
            Identity::Name => Fingerprint {
                fields,
                name: header.pointer(code.qualname)?,
                name_hash: name_hash?,
            },
        })
    }
}

impl Fingerprint {
    /// Of the fields that stay the same through the life of a code object.
    #[must_use]
    pub fn fields(self) -> u64 {
        self.fields
    }
}

/// Hashes the fields that stay the same through the life of a code object.
pub(crate) fn constant_fields(layout: &Layout, header: &[u8]) -> Option<u64> {
    let [words, more] = layout.code.constant.map(|span| header.get(span.range()));
    let ((words, _), (more, _)) = (words?.as_chunks::<4>(), more?.as_chunks::<4>());
    // FNV-1a over words, with a rotation so that aligned pointers reach all bits.
    Some(
        words
            .iter()
            .chain(more)
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
                let word = u64::from(u32::from_le_bytes(*word));
                (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
            }),
    )
}
