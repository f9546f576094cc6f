//! Helps tests to use real parts: interpreters, and scripts that run in them.
//!
//! # Where this sits
//! A development dependency only; no shipped crate depends on it. Asserts nothing itself.

pub mod collapsed;
pub mod python;
