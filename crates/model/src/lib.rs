//! The data model of pyrometer: symbols, stacks, call trees, labels, windows.
//!
//! Everything here is plain data with pure functions over it. This crate never does I/O, never reads
//! a clock, never allocates without a bound that its caller chose, and contains no `unsafe`.
//!
//! | module | holds |
//! |---|---|
//! | [`time`] | UTC instants in nanoseconds and half-open spans of them |
//! | [`labels`] | sorted label sets |
//! | [`profile_type`] | what is counted, and the columns of each kind of profile |
//! | [`stacks`] | functions and the trie of stacks that samples refer to |
//! | [`calls`] | the same with the number of calls, as call recorders count them |
//! | [`tree`] | the calling-context tree: merge, prune |
//! | [`varint`] | numbers as bytes |
//! | [`window`] | what one worker observed in one window, and who that worker is |
#![forbid(unsafe_code)]

pub mod calls;
pub mod labels;
pub mod profile_type;
pub mod stacks;
pub mod time;
pub mod tree;
pub mod varint;
pub mod window;

pub use calls::{CallCounts, CallNode, CallProfile};
pub use labels::Labels;
pub use profile_type::{Column, ProfileKind, ProfileType};
pub use stacks::{Function, FunctionId, Functions, StackId, StackNode, StackTable};
pub use time::{Span, UnixNanos};
pub use tree::{CallTree, TreeBuilder};
pub use window::{Block, Generation, Incarnation, Window, WindowHealth, Worker};
