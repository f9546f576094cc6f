//! Call recorders: what turns the interpreter's call events into costs per call stack.
//!
//! | module | does |
//! |---|---|
//! | [`timer`] | what is measured, and how: CPU time, instructions, wall time |
//! | [`tree`] | one thread's calling-context tree, fed with events |
//! | [`cost`] | what the recorder itself costs per event, and how it is taken out |
//! | [`calls`] | a finished recording of all threads |
//!
//! Events arrive on the threads of the program, with the GIL held, from the extension. Nothing here
//! calls Python, takes a lock or allocates per event once a tree has grown; memory is bounded.

pub mod calls;
pub mod cost;
mod node;
mod tally;
pub mod timer;
pub mod tree;
