//! What numbers mean: pure functions over what was recorded.
//!
//! No I/O, no clock, no `unsafe`; every structure has a bound that is stated where it is made.
//!
//! | module | answers |
//! |---|---|
//! | [`reuse`] | how often would a cache of any size hit? |
#![forbid(unsafe_code)]

pub mod reuse;

pub use reuse::ReuseCurve;
