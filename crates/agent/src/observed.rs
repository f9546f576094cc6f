//! What was observed of one stack, while its window is open.
//!
//! # Where this sits
//! The cells of [`crate::windows`] and [`crate::labelled`]: they add up, and give out whole quanta.

use pyrometer_model::ProfileType;
use pyrometer_model::profile_type::SAMPLER_QUANTUM_NS;

/// What was observed of one stack: samples, wall and CPU nanoseconds.
///
/// CPU is an estimate while a window is open; the exact time comes by [`crate::windows::Windows::add_cpu`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) samples: u64,
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
}

impl Observed {
    pub(crate) fn add(&mut self, more: Self) {
        self.samples += more.samples;
        self.wall_ns += more.wall_ns;
        self.cpu_ns += more.cpu_ns;
    }
}

/// One stack in the open window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) observed: Observed,
    /// Exact CPU, and what earlier windows could not round.
    pub(crate) cpu_ns: u64,
    /// Wall time of suspended tasks, and what earlier windows could not round.
    pub(crate) wait_ns: u64,
    pub(crate) is_touched: bool,
}

impl Slot {
    /// The columns of the sampler since the last time, in quanta. What they cannot round stays.
    pub(crate) fn take(&mut self) -> [u64; 3] {
        self.observed.cpu_ns = 0;
        [
            std::mem::take(&mut self.observed.samples),
            quanta(&mut self.observed.wall_ns),
            quanta(&mut self.cpu_ns),
        ]
    }

    /// The wall time of suspended tasks, likewise.
    pub(crate) fn take_wait(&mut self) -> u64 {
        quanta(&mut self.wait_ns)
    }

    /// The value of one type, so far.
    pub(crate) fn value(&self, profile_type: ProfileType) -> u64 {
        match profile_type {
            ProfileType::Cpu => self.observed.cpu_ns,
            ProfileType::Wall => self.observed.wall_ns,
            ProfileType::Samples => self.observed.samples,
            ProfileType::Wait => self.wait_ns,
        }
    }
}

/// Takes the whole quanta out of a time.
fn quanta(nanoseconds: &mut u64) -> u64 {
    let whole = *nanoseconds / SAMPLER_QUANTUM_NS;
    *nanoseconds %= SAMPLER_QUANTUM_NS;
    whole
}
