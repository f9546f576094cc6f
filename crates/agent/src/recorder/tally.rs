//! What a tree counts besides calls: events that needed care, and what events took.

/// Events that needed care; part of the profile, so that nothing is silently put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Irregular {
    /// Frames whose end was never announced, closed when their caller's came.
    pub closed: u64,
    /// Ends of frames whose begin was never announced.
    pub unknown: u64,
    /// Calls folded into `(other)`, since the tree was full.
    pub folded: u64,
}

impl Irregular {
    /// Adds up.
    pub fn add(&mut self, other: &Self) {
        self.closed += other.closed;
        self.unknown += other.unknown;
        self.folded += other.folded;
    }
}

/// How long the part of an event behind its reading took, of one event in 61: what an event costs
/// changes with the speed of the core and with what the program leaves in its caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// Number of probes.
    pub count: u64,
    /// Their sum, in units of the timer.
    pub sum: u64,
}

impl Probes {
    /// Mean of a probe.
    #[must_use]
    pub fn mean(self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64
    }

    /// Adds up.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }
}
