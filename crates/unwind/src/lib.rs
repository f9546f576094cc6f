//! Reads the Python stacks of a running process without touching it.
//!
//! # Where this sits
//! Below the agent (own process) and the local tools (other processes). Knows CPython's memory and
//! nothing of samples, profiles or time.
//!
//! # Use
//! Attach a [`Target`], keep one [`Walker`] per sampling thread, list the threads, take stacks of
//! code addresses and instructions, and copy each [`CodeObject`] once, soon after it is first met.
//!
//! # Contract
//! - Target addresses are never dereferenced: every byte is read by a system call that may fail.
//! - The target is never stopped, signalled or written to, and the GIL is never taken.
//! - Offsets and their meaning per release are data, in one folder (`layout`).

mod activation;
mod asyncio;
mod calling;
mod calls;
mod code;
mod context;
mod error;
mod frame;
mod gil;
mod greenlet;
mod ids;
mod layout;
mod lines;
mod memory;
mod plan;
mod proof;
mod runtime;
mod snapshot;
mod target;
mod text;
mod thread;
mod walker;

pub use asyncio::{Population, Task, TaskReader, TaskSet};
pub use calling::{Caller, callers, load_coroutine};
pub use code::{CodeObject, Fingerprint, MAX_LINE_TABLE, MAX_TEXT};
pub use context::{ContextReader, ContextVariable};
pub use error::{AttachError, CodeError, ReadError};
pub use frame::{MAX_DEPTH, Stop};
pub use gil::Gil;
pub use greenlet::{Footing, GreenletReader, Greenlets, Running};
pub use ids::{Address, OsThreadId, Pid, PythonVersion};
pub use lines::LineTable;
pub use memory::own::OwnProcess;
pub use memory::process::OtherProcess;
pub use memory::{Batch, Memory, Slot};
pub use runtime::Interpreter;
pub use target::Target;
pub use thread::{MAX_INTERPRETERS, MAX_THREADS, ThreadSnapshot};
pub use walker::{Frame, Outcome, Stack, Walker};
