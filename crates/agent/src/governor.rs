//! Keeps the agent's own CPU under its budget: by the sampling rate, and by pauses.
//!
//! Pure rules over what was measured. The rate follows the cost of whole windows. A process that is
//! suddenly expensive, with ten thousand threads say, is not sampled at the old rate until the window
//! ends: each tick spends of an allowance that grows with the budget, and who has none left waits.

/// Lowest rate that the governor goes down to, in Hz. Below it the time between two ticks would be
/// longer than one sample may stand for.
const LOWEST_RATE_HZ: f64 = 0.25;
/// Most growth of the rate from one account to the next, once there is room again.
const RECOVERY: f64 = 2.0;
/// Shortest time that an account is made of. The first windows of a process are short, and full of
/// code that is met for the first time.
const SHORTEST_NS: u64 = 5_000_000_000;
/// Share of the budget that is aimed at, so that one noisy window does not cross it.
const AIM: f64 = 0.9;
/// Share of the wanted rate above which it counts as kept: ticks are late on a busy machine, too.
const KEPT: f64 = 0.8;
/// Most CPU that may be saved up, nanoseconds: what a program of many modules costs in the ticks that
/// meet its code for the first time.
const MOST_SAVED_NS: f64 = 50e6;
/// Longest pause between two ticks, nanoseconds.
const LONGEST_PAUSE_NS: f64 = 1e9 / LOWEST_RATE_HZ;

/// Decides the sampling rate and the pauses.
#[derive(Clone, Debug)]
pub(crate) struct Governor {
    budget: f64,
    wanted_hz: f64,
    rate_hz: f64,
    cpu_ns: u64,
    wall_ns: u64,
    ticks: u64,
    /// CPU that may be spent at once; below zero where too much was.
    saved_ns: f64,
    saved_at_ns: Option<u64>,
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
            ticks: 0,
            saved_ns: MOST_SAVED_NS,
            saved_at_ns: None,
        }
    }

    /// The rate now, in Hz.
    pub(crate) fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// A tick has used `cpu_ns` and ended at `now_ns`. Returns how long to wait before the next one at
    /// least, so that the budget holds.
    pub(crate) fn spend(&mut self, cpu_ns: u64, now_ns: u64) -> u64 {
        let since_ns = now_ns.saturating_sub(self.saved_at_ns.unwrap_or(now_ns));
        self.saved_at_ns = Some(now_ns);
        let earned_ns = since_ns as f64 * self.budget;
        // What the longest pause cannot make up for is forgiven: it has been paid for in samples.
        let deepest_ns = -LONGEST_PAUSE_NS * self.budget;
        self.saved_ns = (self.saved_ns + earned_ns).min(MOST_SAVED_NS) - cpu_ns as f64;
        self.saved_ns = self.saved_ns.max(deepest_ns);
        (-self.saved_ns / self.budget).max(0.0) as u64
    }

    /// The rate of a window with so many ticks, in whole Hz, 1 at least: what was wanted, unless pauses
    /// made it clearly less.
    pub(crate) fn kept_hz(&self, ticks: u64, wall_ns: u64) -> u32 {
        let kept = ticks as f64 * 1e9 / wall_ns.max(1) as f64;
        let shown = if kept < KEPT * self.rate_hz {
            kept
        } else {
            self.rate_hz
        };
        shown.round().max(1.0) as u32
    }

    /// Takes the cost of a window into account: `cpu_ns` for so many ticks in `wall_ns`.
    pub(crate) fn account(&mut self, cpu_ns: u64, wall_ns: u64, ticks: u64) {
        self.cpu_ns += cpu_ns;
        self.wall_ns += wall_ns;
        self.ticks += ticks;
        if self.wall_ns < SHORTEST_NS {
            return;
        }
        self.wall_ns = 0;
        let per_tick_ns =
            std::mem::take(&mut self.cpu_ns) as f64 / std::mem::take(&mut self.ticks).max(1) as f64;
        let affordable = self.budget * AIM * 1e9 / per_tick_ns.max(1.0);
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
            let ticks = governor.rate_hz() * 10.0;
            governor.account((ticks * cost_per_tick) as u64, WINDOW, ticks as u64);
        }
        let used = governor.rate_hz() * cost_per_tick / 1e9;
        assert!(used < 0.01 && used > 0.005, "{used}");
        for _ in 0..20 {
            governor.account(1000, WINDOW, 1000);
        }
        assert!((governor.rate_hz() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_rate_never_leaves_its_range() {
        let mut governor = Governor::new(0.01, 100);
        governor.account(WINDOW * 50, WINDOW, 1000);
        assert!(governor.rate_hz() >= LOWEST_RATE_HZ);
        governor.account(0, 0, 0);
        governor.account(0, WINDOW, 0);
        assert!(governor.rate_hz() <= 100.0);
    }

    #[test]
    fn pauses_count_for_the_rate_of_the_next_window_and_are_told() {
        let mut governor = Governor::new(0.01, 100);
        // Five ticks of 20 ms in 10 s: that is the budget, and 0.5 Hz.
        assert_eq!(governor.kept_hz(5, WINDOW), 1);
        governor.account(100_000_000, WINDOW, 5);
        assert!((governor.rate_hz() - 0.45).abs() < 1e-9, "{}", governor.rate_hz());
        assert_eq!(Governor::new(0.01, 100).kept_hz(950, WINDOW), 100);
        assert_eq!(Governor::new(0.01, 100).kept_hz(300, WINDOW), 30);
    }

    /// CPU over wall time of a minute of ticks that cost so much.
    fn used_by_ticks_of(cost_ns: u64) -> f64 {
        let mut governor = Governor::new(0.01, 100);
        let (mut now_ns, mut cpu_ns) = (0, 0);
        while now_ns < 60_000_000_000 {
            cpu_ns += cost_ns;
            now_ns += cost_ns;
            now_ns += governor.spend(cost_ns, now_ns).max(10_000_000);
        }
        cpu_ns as f64 / now_ns as f64
    }

    #[test]
    fn ticks_that_are_suddenly_expensive_are_spread_out_at_once() {
        // Within a minute the allowance that was saved up counts for 0.1 %.
        for cost_ns in [200_000, 5_000_000, 40_000_000] {
            assert!(used_by_ticks_of(cost_ns) < 0.0115, "{cost_ns}");
        }
        assert!(
            (used_by_ticks_of(50_000) - 0.005).abs() < 0.001,
            "cheap ones are not"
        );
        // Beyond what the longest pause can make up for.
        assert!(used_by_ticks_of(400_000_000) < 0.11);
    }
}
