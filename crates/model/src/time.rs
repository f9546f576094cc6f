//! UTC instants and half-open spans. There is no clock here: callers pass the time in.

use std::fmt;

/// An instant in nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

/// Nanoseconds in one second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl UnixNanos {
    /// The instant `seconds` after the epoch; negative or absurd values are clamped to the range.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * NANOS_PER_SECOND as f64).clamp(0.0, u64::MAX as f64) as u64)
    }

    /// Seconds since the epoch. Exact to about 200 ns in this century.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The greatest multiple of `step_ns` that is not after this instant (`step_ns` 0 counts as 1).
    #[must_use]
    pub fn align_down(self, step_ns: u64) -> Self {
        Self(self.0 - self.0 % step_ns.max(1))
    }
}

impl fmt::Display for UnixNanos {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}", self.as_secs_f64())
    }
}

/// A half-open interval `[start, end)` of time. Empty when `end <= start`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First instant inside.
    pub start: UnixNanos,
    /// First instant after.
    pub end: UnixNanos,
}

impl Span {
    /// Every instant that can be written.
    pub const ALL: Self = Self {
        start: UnixNanos(0),
        end: UnixNanos(u64::MAX),
    };

    /// `[start, end)`.
    #[must_use]
    pub fn new(start: UnixNanos, end: UnixNanos) -> Self {
        Self { start, end }
    }

    /// Length in nanoseconds, 0 when empty.
    #[must_use]
    pub fn nanos(self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether `instant` lies inside.
    #[must_use]
    pub fn contains(self, instant: UnixNanos) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether the two share at least one instant.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_half_open() {
        let span = Span::new(UnixNanos(10), UnixNanos(20));
        assert!(span.contains(UnixNanos(10)) && !span.contains(UnixNanos(20)));
        assert!(!span.overlaps(Span::new(UnixNanos(20), UnixNanos(30))));
        assert!(span.overlaps(Span::new(UnixNanos(19), UnixNanos(30))));
        assert_eq!(Span::new(UnixNanos(20), UnixNanos(10)).nanos(), 0);
    }

    #[test]
    fn seconds_are_clamped_to_what_can_be_written() {
        assert_eq!(UnixNanos::from_secs_f64(-1.0), UnixNanos(0));
        assert_eq!(UnixNanos::from_secs_f64(1.5), UnixNanos(1_500_000_000));
        assert_eq!(UnixNanos(25).align_down(10), UnixNanos(20));
    }
}
