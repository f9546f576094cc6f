//! What can go wrong, one enum per occasion: attaching, reading, copying a code object.
//!
//! # Where this sits
//! Attaching happens once and explains itself, with a hint where the user can act. Reading happens
//! per sample: [`ReadError`] is `Copy`, holds no text and is counted, never logged.

use std::io;

use crate::ids::{Pid, PythonVersion};

/// Why a process cannot be attached to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// There is no such process.
    #[error("process {pid} does not exist")]
    NoProcess {
        /// The process asked for.
        pid: Pid,
    },
    /// No mapped file defines the interpreter's symbols.
    #[error("process {pid} is not a CPython process, or its symbols were removed")]
    NotPython {
        /// The process asked for.
        pid: Pid,
    },
    /// The kernel refused to let us look.
    #[error("reading process {pid} was denied")]
    Denied {
        /// The process asked for.
        pid: Pid,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A release whose layout is not in the tables.
    #[error("Python {found} is not supported (3.9 to 3.15 are)")]
    Version {
        /// The release found.
        found: PythonVersion,
    },
    /// A free-threaded build: its objects are laid out otherwise.
    #[error("Python {found} is a free-threaded build, which is not supported")]
    FreeThreaded {
        /// The release found.
        found: PythonVersion,
    },
    /// The interpreter's own table of offsets contradicts itself or its version.
    #[error("the offset table of Python {found} is not usable: {field}")]
    Offsets {
        /// The release found.
        found: PythonVersion,
        /// The first field that failed, named as CPython names it.
        field: &'static str,
    },
    /// The runtime could not be read.
    #[error("the interpreter's runtime could not be read")]
    Read(#[from] ReadError),
    /// A file under `/proc` or a mapped ELF file could not be read.
    #[error("the memory map of process {pid} could not be read")]
    Map {
        /// The process asked for.
        pid: Pid,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl AttachError {
    /// What the user can do about it, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Denied { .. } | Self::Read(ReadError::Denied) => {
                Some("run as root, or add the capability CAP_SYS_PTRACE (containers: --cap-add=SYS_PTRACE)")
            }
            Self::NoProcess { .. } => Some("check the process id, and that both share a pid namespace"),
            Self::Version { .. } | Self::FreeThreaded { .. } => {
                Some("use a default build of CPython 3.9 to 3.15")
            }
            _ => None,
        }
    }
}

/// Why bytes of the target could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The address is not mapped, or no longer.
    #[error("the address is not mapped")]
    Unmapped,
    /// The kernel refuses reads of this process.
    #[error("permission denied")]
    Denied,
    /// The process has ended.
    #[error("the process has ended")]
    Gone,
    /// The bytes were read and cannot be what they should be: the structure changed under us.
    #[error("the structure changed while it was read")]
    Torn,
}

/// Why a code object could not be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is at the address is not a code object, or no longer.
    #[error("the address does not hold a code object")]
    NotCode,
    /// The object was freed or replaced while it was copied.
    #[error("the code object changed while it was copied")]
    Changed,
}
