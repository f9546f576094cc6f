//! Where windows begin and end: UTC follows the monotonic clock within a window, and the wall clock from
//! window to window.
//!
//! The wall clock may jump, by a person or by NTP. A jump ends no window early and makes none longer: the
//! window that is open ends where it should have, and the next one begins at the new time.

use pyrometer_model::UnixNanos;

use crate::windows::WINDOW_NS;

/// Wall clock and monotonic clock may drift this far apart before it counts as a jump.
const MAX_DRIFT_NS: u64 = 1_000_000_000;

/// The open window's start on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowClock {
    pub(super) utc: UnixNanos,
    pub(super) monotonic_ns: u64,
}

impl WindowClock {
    /// UTC as this window sees it.
    pub(super) fn now(self, monotonic_ns: u64) -> UnixNanos {
        UnixNanos(self.utc.0 + monotonic_ns.saturating_sub(self.monotonic_ns))
    }

    /// The clock of the next window, when this one is closed at `now_ns` and the wall clock says `wall`.
    pub(super) fn next(self, now_ns: u64, wall: UnixNanos) -> Self {
        let now = self.now(now_ns);
        let utc = if wall.0.abs_diff(now.0) > MAX_DRIFT_NS {
            wall
        } else {
            now.align_down(WINDOW_NS)
        };
        // The next window may have begun a little before now.
        let since_ns = now.0.checked_sub(utc.0).filter(|&since_ns| since_ns < WINDOW_NS);
        Self {
            utc,
            monotonic_ns: now_ns.saturating_sub(since_ns.unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A wall clock for tests: it runs with the monotonic one, but for jumps.
    struct FakeWallClock {
        offset_ns: i64,
    }

    impl FakeWallClock {
        fn read(&self, monotonic_ns: u64) -> UnixNanos {
            UnixNanos(monotonic_ns.checked_add_signed(self.offset_ns).unwrap())
        }
    }

    /// Closes windows as the sampler does, each a little late; the wall clock jumps after the third.
    fn starts_around_a_jump_of(jump_ns: i64) -> Vec<u64> {
        let mut wall = FakeWallClock {
            offset_ns: (1_000_000 * SECOND).cast_signed(),
        };
        let mut now_ns = 7 * SECOND;
        let mut clock = WindowClock {
            utc: wall.read(now_ns),
            monotonic_ns: now_ns,
        };
        let mut starts = vec![clock.utc.0];
        for window in 0..6 {
            let until = clock.utc.align_down(WINDOW_NS).0 + WINDOW_NS;
            now_ns += until - clock.now(now_ns).0 + 3_000_000;
            if window == 3 {
                wall.offset_ns += jump_ns;
            }
            clock = clock.next(now_ns, wall.read(now_ns));
            let told = clock.now(now_ns).0.abs_diff(wall.read(now_ns).0);
            assert!(told <= MAX_DRIFT_NS, "{told} ns from the wall clock");
            starts.push(clock.utc.0);
        }
        starts
    }

    #[test]
    fn windows_begin_at_multiples_of_their_length() {
        let starts = starts_around_a_jump_of(0);
        assert!(
            starts[1..].iter().all(|start| start.is_multiple_of(WINDOW_NS)),
            "{starts:?}"
        );
        assert!(
            starts[1..].windows(2).all(|pair| pair[1] - pair[0] == WINDOW_NS),
            "{starts:?}"
        );
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_followed_from_the_next_window_on() {
        let steady = starts_around_a_jump_of(0);
        for hours in [1, -1, 24 * 365, -24 * 11] {
            let jump_ns = hours * 3600 * SECOND.cast_signed();
            let starts = starts_around_a_jump_of(jump_ns);
            assert_eq!(starts[..4], steady[..4], "nothing before it changes");
            assert!(starts[4].abs_diff(steady[4].checked_add_signed(jump_ns).unwrap()) < SECOND);
            assert!(
                starts[5..].iter().all(|start| start.is_multiple_of(WINDOW_NS)),
                "{starts:?}"
            );
        }
        assert_eq!(
            starts_around_a_jump_of(SECOND.cast_signed() / 2),
            steady,
            "a drift is no jump"
        );
    }
}
