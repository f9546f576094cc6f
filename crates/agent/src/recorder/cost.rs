//! What the recorder itself costs per event, and how that is taken out of what it measured.
//!
//! The meter is read once per event, in its middle. What the event costs before that reading is
//! charged to whoever ran before it, the rest to whoever runs after. So a call charges a part to the
//! function called (behind the reading at its begin, before that at its end: `inner`) and a part to its
//! caller (`outer`). Both are measured at the start of a recording, on this interpreter and machine.

use pyrometer_model::CallCounts;

use super::tree::{Node, Probes};

/// Cost of one begin and its end, in units of the timer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Charged to the function that begins.
    pub inner: f64,
    /// Charged to its caller.
    pub outer: f64,
}

impl Cost {
    /// Both parts.
    #[must_use]
    pub fn sum(self) -> f64 {
        self.inner + self.outer
    }
}

/// What one event pair of each kind costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// A call and its return.
    pub call: Cost,
    /// A generator or coroutine that goes on, and its next `yield` or end.
    pub resume: Cost,
    /// A call of a function in C.
    pub c_call: Cost,
    /// How much the calibration varied: half the distance of its quartiles, as a share of the median.
    pub spread: f64,
    /// What the probed part of an event took meanwhile.
    pub probes: Probes,
}

/// Probes that a factor takes at least: fewer say more about their own chance than about the program.
const MIN_PROBES: u64 = 50;

/// Bounds of the factor between calibration and program.
const FACTOR: std::ops::RangeInclusive<f64> = 0.5..=4.0;

impl Costs {
    /// How many times slower events were in the program than in the calibration, by their probes.
    #[must_use]
    pub fn factor(&self, probes: Probes) -> f64 {
        let calibrated = self.probes.mean();
        if probes.count < MIN_PROBES || self.probes.count < MIN_PROBES || calibrated <= 0.0 {
            return 1.0;
        }
        (probes.mean() / calibrated).clamp(*FACTOR.start(), *FACTOR.end())
    }

    /// The same costs on a machine that is `factor` times slower.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let scale = |cost: Cost| Cost {
            inner: cost.inner * factor,
            outer: cost.outer * factor,
        };
        Self {
            call: scale(self.call),
            resume: scale(self.resume),
            c_call: scale(self.c_call),
            ..*self
        }
    }

    fn pairs(&self, node: &Node, part: impl Fn(Cost) -> f64) -> f64 {
        let calls = if node.is_c { self.c_call } else { self.call };
        node.calls as f64 * part(calls) + node.resumes as f64 * part(self.resume)
    }

    /// What was counted in each node, with the recorder's own cost taken out. Never below 0.
    #[must_use]
    pub fn correct(&self, nodes: &[Node]) -> Vec<CallCounts> {
        let mut own: Vec<f64> = nodes
            .iter()
            .map(|node| self.pairs(node, |cost| cost.inner))
            .collect();
        for node in nodes.iter().skip(1) {
            own[node.parent as usize] += self.pairs(node, |cost| cost.outer);
        }
        let counted = nodes.iter().zip(own);
        counted
            .map(|(node, own)| CallCounts {
                calls: node.calls,
                resumes: node.resumes,
                // The conversion saturates: below 0 it is 0.
                self_value: (node.raw_self as f64 - own).round() as u64,
                raw_self: node.raw_self.max(0).cast_unsigned(),
            })
            .collect()
    }
}

/// Measurements of one thing in a row, to what it takes undisturbed: the lower quartile, since a
/// measurement can be disturbed but never hurried.
#[must_use]
pub fn undisturbed(measured: &mut [f64]) -> f64 {
    quartile(measured, 1)
}

/// Results of several rounds, some of them on a slower core than others: the median, and half the
/// distance of the quartiles.
#[must_use]
pub fn typical(rounds: &mut [f64]) -> (f64, f64) {
    let spread = (quartile(rounds, 3) - quartile(rounds, 1)) / 2.0;
    (quartile(rounds, 2), spread)
}

fn quartile(values: &mut [f64], number: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get(last * number / 4).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::timer::{External, Opened};
    use crate::recorder::tree::{Entry, ThreadTree};
    use std::ffi::c_void;

    #[test]
    fn what_events_cost_is_taken_from_caller_and_callee() {
        // A clock that runs 10 per reading: 10 between two events, all of it ours.
        unsafe fn step(context: *mut c_void) -> u64 {
            let time = context.cast::<u64>();
            // SAFETY: the context is the number below, used by this thread alone.
            unsafe {
                *time += 10;
                *time
            }
        }
        let mut time = 0_u64;
        let external = External {
            read: step,
            context: (&raw mut time).cast(),
        };
        let mut tree = ThreadTree::new(Opened::external(external).meter(), 100);
        tree.enter(16, Entry::Call, || 0);
        for _ in 0..3 {
            tree.enter(32, Entry::Call, || 1);
            tree.leave(32);
        }
        tree.leave(16);
        let costs = Costs {
            call: Cost {
                inner: 6.0,
                outer: 4.0,
            },
            ..Costs::default()
        };
        let counts = costs.correct(tree.nodes());
        assert_eq!(counts[2].raw_self, 30);
        assert_eq!(counts[2].self_value, 30 - 3 * 6);
        assert_eq!(counts[1].self_value, counts[1].raw_self - 6 - 3 * 4);
        assert_eq!((counts[1].calls, counts[2].calls), (1, 3));
    }

    #[test]
    fn a_disturbed_measurement_counts_for_nothing() {
        assert_eq!(undisturbed(&mut [900.0, 50.0, 53.0, 51.0, 52.0]), 51.0);
        assert_eq!(typical(&mut [53.0, 50.0, 51.0, 900.0, 52.0]), (52.0, 1.0));
        assert_eq!((undisturbed(&mut []), typical(&mut [])), (0.0, (0.0, 0.0)));
    }

    #[test]
    fn a_slower_program_costs_more() {
        let probes = |count, mean| Probes {
            count,
            sum: count * mean,
        };
        let costs = Costs {
            call: Cost {
                inner: 10.0,
                outer: 20.0,
            },
            probes: probes(100, 20),
            ..Costs::default()
        };
        assert_eq!(costs.factor(probes(100, 30)), 1.5);
        assert_eq!(costs.factor(probes(100, 900)), 4.0);
        assert_eq!(costs.factor(probes(10, 30)), 1.0, "too few");
        assert_eq!(costs.scaled(1.5).call.sum(), 45.0);
    }
}
