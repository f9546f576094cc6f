//! Bytes to model and back: one file per format, reader and writer together.
//!
//! | module | format |
//! |---|---|
//! | [`feed`] | the window feed of a worker, also the form of a spool file |
//! | [`collapsed`] | `root;child;leaf 12` lines |
//! | [`pprof`] | gzip'd `perftools.profiles.Profile` |
//! | [`calls`] | what a call recorder found: `json` with calls, and the formats above |
//! | [`page`] | a call tree as one static HTML page |
//! | `html` | an interactive page, self-contained |
//! | `svg` | a flamegraph as one picture |
//! | `speedscope`, `cpuprofile`, `chrome`, `firefox`, `otlp`, [`json`] | what other tools open |
//!
//! [`Format`] knows the file formats by name; all are written from a [`Recording`].
//!
//! Readers treat their input as hostile: sizes and counts are bounded by the bytes that are really
//! there, and an error leaves nothing half read. This crate never does I/O and contains no `unsafe`.
#![forbid(unsafe_code)]

mod bytes;
mod call_nodes;
pub mod calls;
mod chrome;
pub mod collapsed;
mod cpuprofile;
pub mod feed;
mod firefox;
mod format;
mod html;
pub mod json;
mod markup;
mod otlp;
pub mod page;
pub mod pprof;
mod recording;
mod speedscope;
mod svg;

pub use format::Format;
pub use recording::{Recording, Run, Stretch, Thread, Track, Values};
