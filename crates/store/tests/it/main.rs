//! The store as its users see it: every backend against one suite, and laws over generated input.
mod conformance;
mod disk;
mod fixture;
mod laws;
