//! The local tools: they read one process, and its children, from outside.
//!
//! | module | does |
//! |---|---|
//! | [`arguments`] | the options of all of them |
//! | `subject` | the process: a running one, or a command that is started |
//! | `session` | the thread that samples |
//! | `record` | writes a recording |
//! | `failures` | why a process cannot be read, and what helps |

pub(crate) mod arguments;
mod failures;
mod record;
mod session;
mod subject;

pub(crate) use record::record;
