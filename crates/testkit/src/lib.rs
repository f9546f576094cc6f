//! pyrometer-testkit
