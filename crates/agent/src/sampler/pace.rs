//! When to sample next: exponential gaps with the period as their mean.
//!
//! Poisson sampling: periodic work of the program is neither always nor never hit. Gaps are bounded
//! on both sides, which keeps 98 % of the distribution.

/// Shortest gap, as a share of the period.
const SHORTEST: f64 = 0.02;
/// Longest gap, in periods.
const LONGEST: f64 = 6.0;

/// A seeded generator of gaps (xorshift64*, Vigna 2016): quality is not critical, speed and the
/// absence of a lock or system call are.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    state: u64,
}

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// The next gap, nanoseconds, around `period_ns`.
    pub(super) fn gap_ns(&mut self, period_ns: f64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let random = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let uniform = ((random >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        ((-uniform.ln()).clamp(SHORTEST, LONGEST) * period_ns) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_period_and_gaps_vary() {
        let mut pace = Pace::new(7);
        let gaps: Vec<f64> = (0..100_000).map(|_| pace.gap_ns(1e7) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // Deterministic seed; the standard error of the mean is 0.3 %.
        assert!((mean / 1e7 - 1.0).abs() < 0.01, "{mean}");
        let short = gaps.iter().filter(|gap| **gap < 0.5e7).count() as f64 / gaps.len() as f64;
        assert!((short - (1.0 - (-0.5_f64).exp())).abs() < 0.01, "{short}");
    }
}
