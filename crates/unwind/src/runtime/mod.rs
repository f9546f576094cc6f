//! Finds the interpreter in a process: its runtime, its version, its type of code objects.
//!
//! # Where this sits
//! Attaching starts here and ends in [`crate::target`]. [`own`] asks the dynamic linker;
//! [`remote`] reads the target's memory map and the symbol tables of the mapped ELF files.
//!
//! # Contract
//! Runs once per attach; may allocate and do file input. Never runs code of the interpreter
//! except `Py_GetVersion` in our own process, which returns a constant.

mod elf;
mod maps;
pub(crate) mod own;
pub(crate) mod pthread;
pub(crate) mod remote;

use crate::ids::{Address, OsThreadId, PythonVersion};

/// What must be known of an interpreter before its structures can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Address of `_PyRuntime`.
    pub runtime: Address,
    /// Address of `PyCode_Type`, the type that every code object names.
    pub code_type: Address,
    /// The release.
    pub version: PythonVersion,
    /// The first thread of the process, as the process sees it: the pid in its own namespace.
    pub first_thread: OsThreadId,
}
