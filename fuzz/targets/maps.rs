//! `/proc/PID/maps`: every line may be anything.
#![no_main]

use libfuzzer_sys::fuzz_target;

mod ids {
    pub(crate) use pyrometer_unwind::Pid;
}
#[path = "../../crates/unwind/src/runtime/maps.rs"]
#[allow(dead_code)]
mod maps;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let files = maps::executable_files(&text);
    assert!(files.len() <= text.lines().count());
});
