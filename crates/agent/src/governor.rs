//! Keeps the agent's own CPU under its budget by lowering the sampling rate.
//!
//! A pure rule: measured cost of one window in, rate of the next one out.

/// Lowest rate that the governor goes down to, in Hz: below it a window of 10 s says nothing.
const LOWEST_RATE_HZ: f64 = 1.0;
/// Most growth of the rate from one account to the next, once there is room again.
const RECOVERY: f64 = 2.0;
/// Shortest time that an account is made of. The first windows of a process are short, and full of
/// code that is met for the first time.
const SHORTEST_NS: u64 = 5_000_000_000;
/// Share of the budget that is aimed at, so that one noisy window does not cross it.
const AIM: f64 = 0.9;

/// Decides the sampling rate.
#[derive(Clone, Debug)]
pub(crate) struct Governor {
    budget: f64,
    wanted_hz: f64,
    rate_hz: f64,
    cpu_ns: u64,
    wall_ns: u64,
}

impl Governor {
    /// `budget` is a share of one core, `wanted_hz` the rate when there is room.
    pub(crate) fn new(budget: f64, wanted_hz: u32) -> Self {
        Self {
            budget,
            wanted_hz: f64::from(wanted_hz),
            rate_hz: f64::from(wanted_hz),
            cpu_ns: 0,
            wall_ns: 0,
        }
    }

    /// The rate now, in Hz.
    pub(crate) fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// Takes the cost of a window into account: `cpu_ns` of `wall_ns`.
    pub(crate) fn account(&mut self, cpu_ns: u64, wall_ns: u64) {
        self.cpu_ns += cpu_ns;
        self.wall_ns += wall_ns;
        if self.wall_ns < SHORTEST_NS {
            return;
        }
        let used = std::mem::take(&mut self.cpu_ns) as f64 / std::mem::take(&mut self.wall_ns) as f64;
        let affordable = self.rate_hz * self.budget * AIM / used.max(1e-9);
        self.rate_hz = affordable
            .min(self.rate_hz * RECOVERY)
            .clamp(LOWEST_RATE_HZ, self.wanted_hz);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = 10_000_000_000;

    #[test]
    fn an_expensive_process_is_sampled_less_until_it_is_cheap_again() {
        let mut governor = Governor::new(0.01, 100);
        let cost_per_tick = 500_000.0;
        for _ in 0..5 {
            governor.account((governor.rate_hz() * 10.0 * cost_per_tick) as u64, WINDOW);
        }
        let used = governor.rate_hz() * cost_per_tick / 1e9;
        assert!(used < 0.01 && used > 0.005, "{used}");
        for _ in 0..20 {
            governor.account(1000, WINDOW);
        }
        assert!((governor.rate_hz() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_rate_never_leaves_its_range() {
        let mut governor = Governor::new(0.01, 100);
        governor.account(WINDOW * 50, WINDOW);
        assert!(governor.rate_hz() >= LOWEST_RATE_HZ);
        governor.account(0, 0);
        governor.account(0, WINDOW);
        assert!(governor.rate_hz() <= 100.0);
    }
}
