//! One process that is read: its memory, its layout, the addresses everything starts from.
//!
//! # Where this sits
//! The handle that users hold. Attaching joins [`crate::runtime`] and [`crate::layout`]; afterwards
//! a target is immutable and shared by walkers.
//!
//! # Contract
//! Valid for one incarnation of the target, within one process image: attach anew after `exec`,
//! and after `fork` when the own process is read.

use crate::error::{AttachError, ReadError};
use crate::ids::{Address, OsThreadId, Pid, PythonVersion};
use crate::layout::{Layout, OsThreadIdLink, Source, debug_offsets};
use crate::memory::own::{OwnProcess, own_pid};
use crate::memory::process::OtherProcess;
use crate::memory::{Memory, read_pointer};
use crate::runtime::{Interpreter, own, pthread, remote};

/// A Python process, ready to be read. Cheap to keep; holds no thread, file or lock.
#[derive(Debug)]
pub struct Target<M: Memory> {
    pub(crate) memory: M,
    pub(crate) layout: Layout,
    pub(crate) runtime: Address,
    pub(crate) code_type: Address,
    /// Where the C library keeps a thread's kernel id, for releases that do not have it themselves.
    pub(crate) pthread_id_at: u64,
    version: PythonVersion,
    first_thread: OsThreadId,
}

impl Target<OwnProcess> {
    /// Reads the interpreter that this code is loaded into. Needs no rights and not the GIL.
    ///
    /// # Errors
    /// [`AttachError::NotPython`] outside an interpreter, [`AttachError::Version`] and
    /// [`AttachError::FreeThreaded`] for one that is not supported.
    pub fn own_process() -> Result<Self, AttachError> {
        let memory = OwnProcess::new();
        let interpreter = match own::find(&memory)? {
            Some(interpreter) => interpreter,
            None => remote::find(own_pid(), &memory)?,
        };
        Self::new(memory, interpreter)
    }
}

impl Target<OtherProcess> {
    /// Reads another process, without stopping it. Needs the right to ptrace it.
    ///
    /// # Errors
    /// As [`Target::own_process`], and [`AttachError::NoProcess`] or [`AttachError::Denied`].
    pub fn attach(pid: Pid) -> Result<Self, AttachError> {
        let memory = OtherProcess { pid };
        let denied = |source: std::io::Error| AttachError::Denied { pid, source };
        remote::find(pid, &memory)
            .and_then(|interpreter| Self::new(memory, interpreter))
            .map_err(|error| match error {
                AttachError::Read(ReadError::Denied) => denied(std::io::ErrorKind::PermissionDenied.into()),
                AttachError::Read(ReadError::Gone) => AttachError::NoProcess { pid },
                error => error,
            })
    }
}

impl<M: Memory> Target<M> {
    /// Reads any memory that holds the given interpreter. For readers of other kinds, and tests.
    ///
    /// # Errors
    /// [`AttachError::Version`], [`AttachError::FreeThreaded`], [`AttachError::Offsets`], or
    /// [`AttachError::Read`] if the interpreter's table of offsets cannot be read.
    pub fn new(memory: M, interpreter: Interpreter) -> Result<Self, AttachError> {
        let Interpreter {
            runtime,
            code_type,
            version,
            first_thread,
        } = interpreter;
        let layout = match Layout::source(version) {
            None => return Err(AttachError::Version { found: version }),
            Some(Source::BuiltIn(layout)) => {
                layout.validate().map_err(|field| AttachError::Offsets {
                    found: version,
                    field,
                })?;
                layout
            }
            Some(Source::Exported(layout, words)) => {
                let mut table = vec![0; words.length * 8];
                memory.read(runtime, &mut table)?;
                debug_offsets::apply(layout, words, &table, version).map_err(|refusal| match refusal {
                    debug_offsets::Refusal::FreeThreaded => AttachError::FreeThreaded { found: version },
                    debug_offsets::Refusal::Field(field) => AttachError::Offsets {
                        found: version,
                        field,
                    },
                })?
            }
        };
        let pthread_id_at = match layout.thread.os_thread_id {
            OsThreadIdLink::Field { .. } => 0,
            OsThreadIdLink::Pthread { runtime_main_thread } => {
                let main = read_pointer(&memory, runtime.plus(runtime_main_thread as u64))?;
                pthread::id_at(&memory, main, first_thread)
            }
        };
        Ok(Self {
            memory,
            layout,
            runtime,
            code_type,
            pthread_id_at,
            version,
            first_thread,
        })
    }

    /// Where the interpreter lies, for reading the same process through another [`Memory`].
    #[must_use]
    pub fn interpreter(&self) -> Interpreter {
        Interpreter {
            runtime: self.runtime,
            code_type: self.code_type,
            version: self.version,
            first_thread: self.first_thread,
        }
    }

    /// The reader given at the start.
    #[must_use]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// The interpreter's release.
    #[must_use]
    pub fn version(&self) -> PythonVersion {
        self.version
    }
}
