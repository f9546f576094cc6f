//! The call recorder's side of the interpreter: hooks in, events to `pyrometer_agent::recorder`.
//!
//! | module | does |
//! |---|---|
//! | `events` | what a hook says: a function begins, goes on, ends; the hot path |
//! | `state` | the one recording of this process and its threads |
//! | `monitoring` | hooks of 3.12 and later: `sys.monitoring` |
//! | `eval` | hooks of 3.9 to 3.11: the frame evaluation function (PEP 523) |
//! | `setprofile` | hooks of 3.9 to 3.11 where C calls or very deep recursion are to be seen |
//! | `frames`, `names`, `patterns` | frames that began before, what functions are called, and which are wanted |
//! | `fork`, `stack` | what a child of a fork has not got, and how much C stack there is |
//! | `greenlets` | every greenlet has a place of its own |
//! | `calibrate` | what an event costs here |
//! | `face` | what Python sees of all this |
//!
//! Everything runs with the GIL held. Nothing in the hot path can panic; slow paths that could are
//! contained, and end the recording rather than the program.

mod calibrate;
mod eval;
mod events;
pub(crate) mod face;
mod fork;
mod frames;
mod greenlets;
mod hooks;
mod monitoring;
mod names;
mod patterns;
mod setprofile;
mod stack;
mod state;
mod symbols;
