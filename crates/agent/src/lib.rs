//! The agent: what runs inside a worker process. Rust only: no Python call, no async runtime.
//!
//! | module | does |
//! |---|---|
//! | [`Agent`] | one per process: start, pause around a fork, follow a fork, end |
//! | [`options`] | what a user may ask for |
//! | `sampler` | the thread that reads stacks |
//! | [`recorder`] | what every call costs, while somebody asks for it |
//! | `windows`, `tables` | what was observed, bounded, in numbered windows |
//! | [`tasks`], `origins`, `submitted` | tasks and other work, and where they were created |
//! | [`label_sets`], `labelled` | labels that code of the program has entered |
//! | `endpoint` | the thread that answers readers |
//! | `governor` | keeps the agent within its budget |
//! | [`outside`] | sampling of other processes, for the local tools |
//! | [`Reserve`] | keeps the process alive when there is no memory |
//! | [`directory`], `spool` | where workers are found, and what they leave behind |
//!
//! **Invariant: nothing here can crash, block, slow or change the process beyond its budget.**
//! Threads contain their panics and handle no signal; memory is bounded; the interpreter is read
//! through the kernel and never touched.

mod agent;
mod clock;
pub mod directory;
mod endpoint;
#[cfg(fuzzing)]
pub mod fuzzing;
mod governor;
pub mod label_sets;
mod labelled;
mod observed;
pub mod options;
mod origins;
pub mod outside;
pub mod recorder;
mod reserve;
mod sampler;
mod shared;
mod spool;
mod submitted;
mod tables;
pub mod tasks;
mod wake;
mod windows;

pub use agent::{Agent, StartError};
pub use options::Options;
pub use reserve::Reserve;
pub use shared::State;
pub use windows::WINDOW_NS;
