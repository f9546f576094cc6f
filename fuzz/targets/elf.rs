//! Symbols of an ELF file: any malformed part means that a symbol is not there.
#![no_main]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::FromRawFd;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/unwind/src/runtime/elf.rs"]
mod elf;

fuzz_target!(|data: &[u8]| {
    // SAFETY: a terminated name; the descriptor is owned by nobody else.
    let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"elf".as_ptr(), 0)) };
    file.write_all(data).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let _found = elf::symbols(file, 0x40_0000, ["_PyRuntime", "PyCode_Type", "Py_Version"]);
});
