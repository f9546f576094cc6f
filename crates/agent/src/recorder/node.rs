//! One call node: a function under its callers, and what was counted there.

/// A code object or C function by its address; the extension keeps it alive, so it is unique.
pub type Key = usize;

/// Number of a node in its tree.
pub type NodeId = u32;

/// The root: time outside all recorded functions.
pub const ROOT: NodeId = 0;

/// Key of what the bound on nodes folded together. No object has an odd address.
pub const OTHER: Key = 1;

/// How a node is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A call.
    Call,
    /// A generator or coroutine goes on.
    Resume,
    /// A call of a function in C.
    CCall,
}

/// A function under its callers, and what it cost there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub(super) key: Key,
    /// In the function itself, as measured: with the recorder's own cost. Below 0 where a correction was taken
    /// from a node that had not counted that much.
    pub raw_self: i64,
    /// How often it was called.
    pub calls: u64,
    /// How often it went on after a `yield` or `await`.
    pub resumes: u64,
    /// Its caller's node; the root's is the root.
    pub parent: NodeId,
    /// Number that the extension gave its function.
    pub function: u32,
    /// Whether it is a function in C.
    pub is_c: bool,
}
