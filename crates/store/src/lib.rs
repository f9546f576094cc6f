//! pyrometer-store
