//! When to sample next: at a random instant of every period.
//!
//! Time is cut into slots of one period, and each slot gets one tick, uniformly placed. Every
//! instant is equally likely to be sampled, so periodic work of the program is neither always nor
//! never hit, and the number of ticks hardly varies: shares come out about 1.3 times closer to the
//! truth than with exponential gaps (docs/adr/0003-stratified-ticks.md).

/// Places the ticks. Its generator is seeded (xorshift64*, Vigna 2016): quality is not critical,
/// the absence of a lock or system call is.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    random: u64,
    slot_end_ns: u64,
}

impl Pace {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            slot_end_ns: 0,
        }
    }

    /// The instant of the next tick. Slots that have passed already are left out: a stall is not
    /// made up for by a burst.
    pub(crate) fn due_ns(&mut self, now_ns: u64, period_ns: f64) -> u64 {
        let start_ns = self.slot_end_ns.max(now_ns.saturating_sub(period_ns as u64));
        self.slot_end_ns = start_ns + period_ns as u64;
        start_ns + (self.uniform() * period_ns) as u64
    }

    fn uniform(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let bits = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_NS: f64 = 1e7;

    #[test]
    fn every_slot_has_one_tick_anywhere_in_it() {
        let mut pace = Pace::new(7);
        let mut now_ns = 1_000_000_000;
        let first = pace.due_ns(now_ns, PERIOD_NS);
        let origin = pace.slot_end_ns;
        let mut offsets = vec![0_u32; 10];
        now_ns = first;
        for slot in 0..10_000_u64 {
            let due = pace.due_ns(now_ns, PERIOD_NS);
            let offset = due - origin - slot * PERIOD_NS as u64;
            offsets[(offset * 10 / PERIOD_NS as u64) as usize] += 1;
            now_ns = due;
        }
        assert!(
            offsets.iter().all(|&count| (850..1150).contains(&count)),
            "{offsets:?}"
        );
    }

    #[test]
    fn a_stall_is_not_made_up_for() {
        let mut pace = Pace::new(7);
        pace.due_ns(0, PERIOD_NS);
        let later = 3_600_000_000_000;
        let due = pace.due_ns(later, PERIOD_NS);
        let next = pace.due_ns(due.max(later), PERIOD_NS);
        assert!(due >= later - PERIOD_NS as u64 && next > later - PERIOD_NS as u64 && next > due);
    }
}
