//! Symbols of one ELF file, by name, from its dynamic symbol table.
//!
//! # Where this sits
//! Used by [`super::remote`] only. Reads the tables alone, not the file: interpreters carry tens
//! of megabytes of debug sections.
//!
//! # Contract
//! - Only defined symbols count: extension modules carry an undefined `_PyRuntime`.
//! - The file is input: any malformed part means that the symbol is not there.

use std::fs::File;
use std::io::BufReader;

use object::elf::{PT_LOAD, SHN_UNDEF};
use object::read::elf::{ElfFile64, ProgramHeader, Sym};
use object::{LittleEndian, Object, ObjectSymbol, ObjectSymbolTable, ReadCache};

/// By which loaders align segments at least. Where pages are larger, a library's first segment begins
/// at a multiple of them too.
const PAGE: u64 = 4096;

/// Addresses of `names` in the process that maps `file` with its first page at `start`.
/// `None` where the file does not define the name.
pub(crate) fn symbols<const N: usize>(file: File, start: u64, names: [&str; N]) -> [Option<u64>; N] {
    let mut found = [None; N];
    let cache = ReadCache::new(BufReader::new(file));
    let Ok(elf) = ElfFile64::<LittleEndian, _>::parse(&cache) else {
        return found;
    };
    let Some(bias) = bias(&elf, start) else {
        return found;
    };
    let Some(table) = elf.dynamic_symbol_table() else {
        return found;
    };
    for symbol in table.symbols() {
        if symbol.elf_symbol().st_shndx(LittleEndian) == SHN_UNDEF {
            continue;
        }
        let Ok(name) = symbol.name_bytes() else { continue };
        if let Some(index) = names.iter().position(|wanted| wanted.as_bytes() == name) {
            found[index] = Some(symbol.address().wrapping_add(bias));
        }
    }
    found
}

/// What to add to addresses of the file: zero for a program linked at a fixed address.
fn bias<'data, R: object::ReadRef<'data>>(
    elf: &ElfFile64<'data, LittleEndian, R>,
    start: u64,
) -> Option<u64> {
    if elf.elf_header().e_type.get(LittleEndian) == object::elf::ET_EXEC {
        return Some(0);
    }
    let first = elf
        .elf_program_headers()
        .iter()
        .find(|header| header.p_type(LittleEndian) == PT_LOAD)?;
    Some(start.wrapping_sub(first.p_vaddr(LittleEndian) & !(PAGE - 1)))
}
