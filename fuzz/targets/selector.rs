//! Selectors: parsing ends soon, and what is accepted is written as something that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyrometer_model::Labels;
use selector::Selector;

#[path = "../../crates/store/src/selector/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod selector;

fuzz_target!(|text: &str| {
    let Ok(parsed) = text.parse::<Selector>() else {
        return;
    };
    let labels = Labels::new().with("service", "shop").with("host", "web-1");
    let again: Selector = parsed.to_string().parse().expect("what was written is read");
    assert_eq!(parsed.accepts(&labels), again.accepts(&labels), "{parsed}");
});
