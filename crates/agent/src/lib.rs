//! pyrometer-agent
