//! The table of offsets that an interpreter exports: nonsense is refused, and what is accepted is safe to
//! use on any memory.
#![no_main]

mod image;

use image::Image;
use libfuzzer_sys::fuzz_target;
use pyrometer_unwind::{Address, Interpreter, OsThreadId, PythonVersion, Stack, Target, Walker};

fuzz_target!(|data: &[u8]| {
    let Some((minor, table)) = data.split_first() else {
        return;
    };
    let version = PythonVersion::from_hex(0x030d_00f0 + (u64::from(minor % 3) << 16));
    let mut memory = Image::new(&[], usize::MAX);
    memory.put(0, u64::from_le_bytes(*b"xdebugpy"));
    memory.put(1, version_word(version));
    for (index, word) in table.chunks_exact(2).enumerate() {
        memory.put(2 + index, u64::from(u16::from_le_bytes([word[0], word[1]])));
    }
    let interpreter = Interpreter {
        runtime: Address(image::BASE),
        code_type: Address(image::BASE + 8),
        first_thread: OsThreadId(7),
        version,
    };
    if let Ok(target) = Target::new(memory, interpreter) {
        let (mut threads, mut stack) = (Vec::new(), Stack::default());
        let mut walker = Walker::new();
        let _listed = walker.threads(&target, &mut threads);
        for thread in threads.iter().take(4) {
            let _outcome = walker.stack(&target, thread, &mut stack);
        }
    }
});

fn version_word(version: PythonVersion) -> u64 {
    let words = version.to_string();
    let mut parts = words.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    next() << 24 | next() << 16 | next() << 8 | 0xf0
}
