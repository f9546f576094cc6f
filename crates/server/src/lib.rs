//! pyrometer-server
