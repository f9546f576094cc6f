//! `pyrometer serve`: collects the windows of workers, stores them, answers queries, serves the web app.
//!
//! | module | does |
//! |---|---|
//! | [`config`] | what it is told |
//! | `collector` | finds workers, polls their feeds, appends what they deliver |
//! | `api` | the query API, its description, and who may use it |
//! | `web` | the web app, embedded |
//!
//! This is the only crate that is async. Whatever reads or writes the disk or decodes bytes runs on
//! blocking threads, a bounded number of them. No state is kept outside the store that a restart would miss:
//! the process may be killed at any moment, and the next one goes on from the stored cursors.
#![forbid(unsafe_code)]

mod api;
mod collector;
pub mod config;
mod error;
mod server;
mod web;

pub use api::openapi;
pub use config::{Config, Target, TargetError};
pub use error::ServeError;
pub use pyrometer_store::Retention;
pub use server::{Server, serve, terminated};
