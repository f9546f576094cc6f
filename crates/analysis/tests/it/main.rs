//! The crate as others see it.

mod reuse;
