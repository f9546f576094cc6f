//! pyrometer-model
