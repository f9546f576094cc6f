//! pyrometer-formats
