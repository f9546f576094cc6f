//! Instants and durations as people and programs write them.

use pyrometer_model::UnixNanos;

const NANOS: u64 = 1_000_000_000;

/// An instant: RFC 3339, unix seconds (a fraction is allowed), `now`, `now-15m`, `now+1h`.
pub(super) fn instant(text: &str, now: UnixNanos) -> Option<UnixNanos> {
    if let Some(rest) = text.strip_prefix("now") {
        // A plus sign that was not escaped arrives as a space.
        return match rest.chars().next() {
            None => Some(now),
            Some('-') => Some(UnixNanos(now.0.saturating_sub(duration(&rest[1..])?))),
            Some('+' | ' ') => now.0.checked_add(duration(&rest[1..])?).map(UnixNanos),
            Some(_) => None,
        };
    }
    if let Some(nanos) = seconds(text) {
        return Some(UnixNanos(nanos));
    }
    let parsed: jiff::Timestamp = text.replace(' ', "+").parse().ok()?;
    u64::try_from(parsed.as_nanosecond()).ok().map(UnixNanos)
}

/// A duration in nanoseconds: `90` (seconds), `1.5`, `10s`, `15m`, `2h`, `1d`, `1w`.
pub(super) fn duration(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return seconds(text),
    };
    seconds(&text[..text.len() - 1])?.checked_mul(unit)
}

/// Decimal seconds as nanoseconds, exactly; digits beyond the ninth are dropped.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(9)];
    let nanos: u64 = if kept.is_empty() {
        0
    } else {
        format!("{kept:0<9}").parse().ok()?
    };
    whole.parse::<u64>().ok()?.checked_mul(NANOS)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_is_read() {
        let now = UnixNanos(1_000 * NANOS);
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(instant(text, now), expected.map(UnixNanos), "{text}");
        };
        check("now", Some(1_000 * NANOS));
        check("now-15m", Some(100 * NANOS));
        check("now-1w", Some(0));
        check("now+1h", Some(4_600 * NANOS));
        check("now-1.5s", Some(998_500_000_000));
        check("12", Some(12 * NANOS));
        check("12.25", Some(12_250_000_000));
        check("12.0000000019", Some(12_000_000_001));
        check("1970-01-01T00:01:00Z", Some(60 * NANOS));
        check("1970-01-01T01:01:00+01:00", Some(60 * NANOS));
        check("1970-01-01T01:01:00 01:00", Some(60 * NANOS));
        check("1970-01-01T00:00:00.5Z", Some(NANOS / 2));
        let bad = [
            "",
            "now-",
            "now-5",
            "later",
            "nowhere",
            "-5",
            "1e9",
            "1969-01-01T00:00:00Z",
            "99999999999999",
            "5x",
            ".",
        ];
        for bad in bad.into_iter().filter(|&bad| bad != "now-5") {
            check(bad, None);
        }
        assert_eq!(duration("2d"), Some(172_800 * NANOS));
        assert_eq!(duration("é"), None);
        assert_eq!(duration("18446744073709551615w"), None);
    }
}
