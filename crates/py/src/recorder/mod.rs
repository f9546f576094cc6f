//! The call recorder's side of the interpreter: hooks in, events to `pyrometer_agent::recorder`.
//!
//! | module | does |
//! |---|---|
//! | `events` | what a hook says: a function begins, goes on, ends; the hot path |
//! | `state`, `thread` | the one recording of this process, and one thread in it |
//! | `choice`, `patterns` | which functions are recorded, where only some are wanted |
//! | `monitoring` | hooks of 3.12 and later: `sys.monitoring` |
//! | `eval` | hooks of 3.9 to 3.11: the frame evaluation function (PEP 523) |
//! | `setprofile` | hooks of 3.9 to 3.11 where C calls or very deep recursion are to be seen |
//! | `frames`, `names` | frames that began before, and what functions are called |
//! | `fork`, `stack` | what a child of a fork has not got, and how much C stack there is |
//! | `greenlets` | every greenlet has a place of its own |
//! | `calibrate` | what an event costs here |
//! | `keep` | a file that a killed process leaves |
//! | `face` | what Python sees of all this |
//!
//! Everything runs with the GIL held. Nothing in the hot path can panic; slow paths that could are
//! contained, and end the recording rather than the program.

mod calibrate;
mod choice;
mod eval;
mod events;
pub(crate) mod face;
mod fork;
mod frames;
mod greenlets;
mod hooks;
pub(crate) mod keep;
mod monitoring;
mod names;
mod patterns;
mod setprofile;
mod stack;
mod state;
mod symbols;
mod thread;
