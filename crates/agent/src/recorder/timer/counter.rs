//! The processor's own counters: the one that ticks at a constant rate, and hardware counters.

use std::sync::OnceLock;

use crate::clock;

/// The counter that ticks at a constant rate on every core alike.
#[inline(always)]
pub(crate) fn read() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction has no precondition; a kernel that traps it is met at the self-test.
    unsafe {
        std::arch::x86_64::_rdtsc()
    }
    #[cfg(target_arch = "aarch64")]
    {
        let count: u64;
        // SAFETY: reads the virtual counter, which Linux grants to user space.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack)) };
        count
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        clock::monotonic_ns()
    }
}

/// A hardware counter by its number. Called only while the kernel's page says that it may be.
#[inline(always)]
pub(crate) fn read_hardware(number: u32) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let (low, high): (u32, u32);
        // SAFETY: the page says that user space may read this counter.
        unsafe {
            std::arch::asm!("rdpmc", in("ecx") number, out("eax") low, out("edx") high, options(nomem, nostack));
        }
        u64::from(high) << 32 | u64::from(low)
    }
    #[cfg(target_arch = "aarch64")]
    {
        // PMSELR_EL0 may not be written from user space on every kernel, so each register by name.
        let value: u64;
        // SAFETY: the page says that user space may read this counter.
        unsafe {
            match number {
                0 => std::arch::asm!("mrs {}, pmevcntr0_el0", out(reg) value, options(nomem, nostack)),
                1 => std::arch::asm!("mrs {}, pmevcntr1_el0", out(reg) value, options(nomem, nostack)),
                2 => std::arch::asm!("mrs {}, pmevcntr2_el0", out(reg) value, options(nomem, nostack)),
                3 => std::arch::asm!("mrs {}, pmevcntr3_el0", out(reg) value, options(nomem, nostack)),
                4 => std::arch::asm!("mrs {}, pmevcntr4_el0", out(reg) value, options(nomem, nostack)),
                5 => std::arch::asm!("mrs {}, pmevcntr5_el0", out(reg) value, options(nomem, nostack)),
                _ => std::arch::asm!("mrs {}, pmccntr_el0", out(reg) value, options(nomem, nostack)),
            }
        }
        value
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = number;
        0
    }
}

/// How fast the constant counter ticks.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Nanoseconds per count, times 2^32.
    scale: u64,
}

impl Rate {
    const SHIFT: u32 = 32;

    /// The rate of this machine, measured once per process against the monotonic clock, about 3 ms.
    #[must_use]
    pub fn measured() -> Self {
        static RATE: OnceLock<Rate> = OnceLock::new();
        *RATE.get_or_init(Self::measure)
    }

    fn measure() -> Self {
        const SPAN_NS: u64 = 3_000_000;
        let start = Self::pair();
        while clock::monotonic_ns() < start.1 + SPAN_NS {}
        let end = Self::pair();
        let counts = end.0.wrapping_sub(start.0).max(1);
        Self {
            scale: (u128::from(end.1 - start.1) << Self::SHIFT)
                .div_euclid(u128::from(counts))
                .try_into()
                .unwrap_or(1 << Self::SHIFT),
        }
    }

    /// Counter and clock at one instant: of several readings the one that took the least time.
    fn pair() -> (u64, u64) {
        let readings = (0..16).map(|_| {
            let before = read();
            let clock = clock::monotonic_ns();
            let took = read().wrapping_sub(before);
            (took, (before.wrapping_add(took / 2), clock))
        });
        readings
            .min_by_key(|reading| reading.0)
            .map_or((0, 0), |best| best.1)
    }

    /// Counts in nanoseconds; exact for stretches of less than a second.
    #[inline(always)]
    pub(crate) fn ns(self, counts: u64) -> u64 {
        counts.wrapping_mul(self.scale) >> Self::SHIFT
    }

    pub(crate) fn counts(self, ns: u64) -> u64 {
        (ns << Self::SHIFT) / self.scale.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_clock() {
        let rate = Rate::measured();
        let start = (read(), clock::monotonic_ns());
        while clock::monotonic_ns() < start.1 + 20_000_000 {}
        let (counts, ns) = (read() - start.0, clock::monotonic_ns() - start.1);
        assert!(
            rate.ns(counts).abs_diff(ns) < ns / 100,
            "{} {ns}",
            rate.ns(counts)
        );
        assert!(rate.ns(rate.counts(1_000_000)).abs_diff(1_000_000) < 10);
    }
}
