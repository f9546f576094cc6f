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
use crate::layout::{CodeLayout, Layout};
use crate::lines::LineTable;
use crate::memory::{Batch, Fields, Memory};
use crate::target::Target;
use crate::text;

/// Most characters kept of a name or path; longer ones are cut.
pub const MAX_TEXT: usize = 4096;
/// Longest location table copied, in bytes. A longer one gives a code object without lines.
pub const MAX_LINE_TABLE: usize = 16 << 20;
/// Most code units of one code object. CPython's own limit is `INT_MAX` bytes.
const MAX_UNITS: u64 = 1 << 30;

/// Tells the code objects apart that an address held over time. Compare for equality only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

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
        let again = batch.push(address, layout.code.bytecode);
        self.memory.read_batch(&mut batch)?;
        let bytes_of = |slot| batch.bytes(slot).ok_or(ReadError::Unmapped);
        let fingerprint = fingerprint(layout, &header).ok_or(CodeError::NotCode)?;
        if self::fingerprint(layout, bytes_of(again)?) != Some(fingerprint) {
            return Err(CodeError::Changed);
        }
        let first_line = header.int(layout.code.firstlineno).ok_or(CodeError::NotCode)?;
        Ok(CodeObject {
            name: name.decode(bytes_of(name_at)?),
            file: file.decode(bytes_of(file_at)?),
            first_line,
            lines: LineTable::decode(bytes_of(table_at)?, first_line, units),
            fingerprint,
        })
    }

    /// Reads the fingerprints of many code objects with one batched read, in the order given.
    /// `None` where there is no code object any more. Allocates.
    pub fn fingerprint(&self, addresses: &[Address], out: &mut Vec<Option<Fingerprint>>) {
        let mut batch = Batch::new();
        let slots: Vec<_> = addresses
            .iter()
            .map(|address| batch.push(*address, self.layout.code.bytecode))
            .collect();
        // Where the process is gone, no request is filled, and every answer is `None`.
        let _gone = self.memory.read_batch(&mut batch);
        out.clear();
        out.extend(addresses.iter().zip(slots).map(|(address, slot)| {
            let header = batch.bytes(slot)?;
            self.facts_of(*address, header).ok()?;
            fingerprint(&self.layout, header)
        }));
    }

    /// Reads what the walker needs of a code object.
    pub(crate) fn code_facts(&self, address: Address, header: &mut Vec<u8>) -> Result<Facts, CodeError> {
        header.resize(self.layout.code.bytecode, 0);
        self.memory.read(address, header)?;
        self.facts_of(address, header)
    }

    fn code_header(&self, address: Address) -> Result<Vec<u8>, ReadError> {
        let mut header = vec![0; self.layout.code.bytecode];
        self.memory.read(address, &mut header)?;
        Ok(header)
    }

    fn facts_of(&self, address: Address, header: &[u8]) -> Result<Facts, CodeError> {
        let Layout { code, object, .. } = &self.layout;
        let read = || {
            let units = header
                .word(object.ob_size)
                .filter(|units| (1..=MAX_UNITS).contains(units))?;
            Some(Facts {
                start: address.plus(code.bytecode as u64),
                units: u32::try_from(units).ok()?,
                first_traceable: header.int(code.firsttraceable)?,
            })
        };
        if header.pointer(object.ob_type) != Some(self.code_type) {
            return Err(CodeError::NotCode);
        }
        read().ok_or(CodeError::NotCode)
    }
}

/// Hashes the fields that stay the same through the life of a code object.
fn fingerprint(layout: &Layout, header: &[u8]) -> Option<Fingerprint> {
    let CodeLayout {
        firstlineno,
        filename,
        qualname,
        linetable,
        ..
    } = layout.code;
    let fields = [
        header.word(layout.object.ob_type)?,
        header.word(layout.object.ob_size)?,
        u64::from(header.int(firstlineno)?),
        header.word(filename)?,
        header.word(qualname)?,
        header.word(linetable)?,
    ];
    // FNV-1a over words, with a rotation so that aligned pointers reach all bits.
    let hash = fields.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, field| {
        (hash ^ field).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    });
    Some(Fingerprint(hash))
}
