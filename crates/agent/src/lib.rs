//! The agent: what runs inside a worker.

pub mod directory;
