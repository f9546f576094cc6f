//! The local tools: they read one process, and its children, from outside.
//!
//! | module | does |
//! |---|---|
//! | [`arguments`] | the options of all of them |
//! | `subject` | the process: a running one, or a command that is started |
//! | `session` | the thread that samples |
//! | `record` | writes a recording |
//! | `top` | a live table |
//! | `dump` | the stacks of this moment |
//! | `attach` | puts the agent into a running process |
//! | `text` | untrusted names on a terminal |
//! | `failures` | why a process cannot be read, and what helps |

pub(crate) mod arguments;
mod attach;
mod dump;
mod failures;
mod record;
mod session;
mod subject;
mod text;
mod top;

pub(crate) use attach::attach;
pub(crate) use dump::dump;
pub(crate) use record::record;
pub(crate) use top::top;
