//! Sampling from outside: the stacks of other processes, without an agent in them.
//!
//! # Where this sits
//! Beside the always-on sampler, whose parts it shares: the cache of code objects, the memory of a
//! thread, the pace. The local tools (`record`, `top`, `dump`) stand on it.
//!
//! | module | does |
//! |---|---|
//! | [`observer`] | when to sample, which processes there are, children as they come |
//! | `process` | one process: its threads, their stacks |
//! | `watched` | one thread: whether it executes, and where its CPU time belongs |
//! | `kernel` | what the kernel says of a process and its threads, read from `/proc` |
//! | [`observations`] | what was seen, bounded |
//! | [`dump`] | the stacks of this moment |
//!
//! # Contract
//! - The target is never stopped, signalled or written to: its memory is read through the kernel.
//! - Needs the right to ptrace the target, and nothing of it: no import, no debug symbols.
//! - A thread that did not run is not read again. A tick of one busy thread costs three system
//!   calls: the wait, its stack, its state.

pub mod dump;
mod kernel;
pub mod observations;
pub mod observer;
mod process;
mod watched;

pub use dump::{DumpedFrame, DumpedThread, dump};
pub use kernel::{name_of_command, process_name, process_owner};
pub use observations::{Counted, Counters, Observations, Timeline};
pub use observer::{Children, Observer};
