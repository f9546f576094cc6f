//! Days in UTC: the unit of files and of retention.

use pyrometer_model::{Span, UnixNanos};

/// Nanoseconds in a day.
pub(crate) const NANOS_PER_DAY: u64 = 86_400 * 1_000_000_000;

/// A day, counted from 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// The day that holds `instant`.
    #[must_use]
    pub fn of(instant: UnixNanos) -> Self {
        Self((instant.0 / NANOS_PER_DAY) as u32)
    }

    /// The day's 24 hours.
    #[must_use]
    pub fn span(self) -> Span {
        let start = u64::from(self.0).saturating_mul(NANOS_PER_DAY);
        Span::new(UnixNanos(start), UnixNanos(start.saturating_add(NANOS_PER_DAY)))
    }

    /// The day as `2026-11-21`.
    #[must_use]
    pub fn name(self) -> String {
        let seconds = i64::from(self.0) * 86_400;
        jiff::Timestamp::from_second(seconds)
            .map(|instant| instant.strftime("%Y-%m-%d").to_string())
            .unwrap_or_else(|_| format!("day-{}", self.0))
    }

    /// Reads [`Day::name`] back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let date: jiff::civil::Date = name.parse().ok()?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let day = Self(u32::try_from(midnight.as_second() / 86_400).ok()?);
        (day.name() == name).then_some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let day = Day::of(UnixNanos(1_795_296_600_000_000_000));
        assert_eq!(day.name(), "2026-11-21");
        assert_eq!(Day::parse("2026-11-21"), Some(day));
        assert!(day.span().contains(UnixNanos(1_795_296_600_000_000_000)));
        assert_eq!(
            Day::of(UnixNanos(u64::MAX)),
            Day::parse(&Day::of(UnixNanos(u64::MAX)).name()).unwrap()
        );
        for stranger in ["", "2026-11-31", "2026-1-1", "1969-12-31", "2026-11-21.sqlite3"] {
            assert_eq!(Day::parse(stranger), None, "{stranger:?}");
        }
    }
}
