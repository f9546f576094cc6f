//! Instants and durations of the query API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyrometer_model::UnixNanos;

#[path = "../../crates/server/src/api/times.rs"]
mod times;

fuzz_target!(|text: &str| {
    let now = UnixNanos(1_763_730_240_000_000_000);
    let instant = times::instant(text, now);
    if let Some(nanos) = times::duration(text)
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        assert_eq!(instant, Some(UnixNanos(nanos)));
    }
});
