//! Walks over memory that is all wrong, and changes while it is read: every walk ends soon.
#![no_main]

mod image;

use image::Image;
use libfuzzer_sys::fuzz_target;
use pyrometer_unwind::{Address, Interpreter, MAX_DEPTH, OsThreadId, Stack, Target, Walker};

fuzz_target!(|data: &[u8]| {
    let [release, change_at, words @ ..] = data else {
        return;
    };
    let interpreter = Interpreter {
        runtime: Address(image::BASE),
        code_type: Address(image::BASE + 8),
        first_thread: OsThreadId(7),
        version: image::release(*release),
    };
    let memory = Image::new(words, usize::from(*change_at));
    let Ok(target) = Target::new(memory, interpreter) else {
        return;
    };
    let (mut walker, mut threads, mut stack) = (Walker::new(), Vec::new(), Stack::default());
    for _ in 0..2 {
        let _listed = walker.threads(&target, &mut threads);
        for thread in threads.iter().take(4) {
            let _outcome = walker.stack(&target, thread, &mut stack);
            assert!(stack.frames.len() <= MAX_DEPTH);
            for frame in stack.frames.iter().take(2) {
                let _code = target.code(frame.code);
            }
        }
    }
    // A list of threads or a chain of frames without end must be cut.
    assert!(
        target.memory().reads() < 400_000,
        "{} reads",
        target.memory().reads()
    );
});
