//! Bytes to model and back: one file per format, reader and writer together.
//!
//! | module | format |
//! |---|---|
//! | [`feed`] | the window feed of a worker, also the form of a spool file |
//! | [`collapsed`] | `root;child;leaf 12` lines |
//! | [`pprof`] | gzip'd `perftools.profiles.Profile` |
//! | [`page`] | a call tree as one static HTML page |
//!
//! Readers treat their input as hostile: sizes and counts are bounded by the bytes that are really
//! there, and an error leaves nothing half read. This crate never does I/O and contains no `unsafe`.
#![forbid(unsafe_code)]

mod bytes;
pub mod collapsed;
pub mod feed;
mod format;
pub mod json;
pub mod page;
pub mod pprof;
mod recording;

pub use format::Format;
pub use recording::{Recording, Run, Stretch, Thread, Track, Values};
