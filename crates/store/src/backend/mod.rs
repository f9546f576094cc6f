//! The backends of [`Store`](crate::Store).

pub mod memory;
pub mod sqlite;
