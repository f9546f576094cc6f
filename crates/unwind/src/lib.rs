//! pyrometer-unwind
