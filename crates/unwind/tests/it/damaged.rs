//! Whatever bytes the memory holds, a walk ends soon, stays in bounds and does not panic.

use pyrometer_unwind::{
    Interpreter, MAX_DEPTH, OtherProcess, Outcome, Pid, Stack, Stop, Target, ThreadSnapshot, Walker,
};

use crate::each_release;
use crate::image::{Image, Recording};
use crate::parked::drawn;

/// Damaged images tried per release.
const ROUNDS: u64 = 100;
/// Most reads that a sample may take: the attempts, each with every loose frame and chunk read alone.
const MAX_READS: usize = 20_000;

/// A live process with its threads parked, as an image, with the stacks that were read of it.
fn saved(pid: Pid, interpreter: Interpreter) -> (Image, Vec<ThreadSnapshot>, Vec<Vec<String>>) {
    let recording = Recording::new(OtherProcess { pid });
    let target = Target::new(&recording, interpreter).unwrap();
    let mut walker = Walker::new();
    let (mut threads, mut stack) = (Vec::new(), Stack::default());
    let mut stacks = Vec::new();
    // Twice, so that the image has what a predicted read takes too.
    for _ in 0..2 {
        stacks.clear();
        walker.threads(&target, &mut threads).unwrap();
        for thread in &threads {
            assert_eq!(walker.stack(&target, thread, &mut stack), Outcome::Exact);
            stacks.push(drawn(&target, &stack));
        }
    }
    (recording.image(), threads, stacks)
}

#[test]
fn an_image_gives_the_stacks_of_the_process() {
    each_release("parked.py", &[], |version, running, target| {
        let (image, threads, expect) = saved(Pid(running.pid()), target.interpreter());
        drop(running);
        let target = Target::new(image, target.interpreter()).unwrap();
        let mut walker = Walker::new();
        let (mut listed, mut stack) = (Vec::new(), Stack::default());
        walker.threads(&target, &mut listed).unwrap();
        assert_eq!(listed, threads, "{version}");
        for (thread, expect) in threads.iter().zip(expect) {
            assert_eq!(walker.stack(&target, thread, &mut stack), Outcome::Exact);
            assert_eq!(drawn(&target, &stack), expect, "{version}");
        }
    });
}

#[test]
fn damage_is_survived() {
    each_release("parked.py", &[], |version, running, target| {
        let (image, threads, _) = saved(Pid(running.pid()), target.interpreter());
        let words = image.words();
        let mut random = 7_u64;
        let mut below = |bound: usize| {
            random = random
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            ((random >> 33) as usize) % bound
        };
        let (mut different, mut torn) = (0, 0);
        for _ in 0..ROUNDS {
            let mut damaged = image.clone();
            for _ in 0..1 + below(40) {
                let at = words[below(words.len())];
                match below(4) {
                    0 => damaged.unmap(at),
                    1 => damaged.poke(at, words[below(words.len())].0),
                    2 => damaged.poke(at, u64::MAX >> below(64)),
                    _ => damaged.poke(at, 0),
                }
            }
            let Ok(target) = Target::new(damaged, target.interpreter()) else {
                continue;
            };
            let mut walker = Walker::new();
            let (mut listed, mut stack) = (Vec::new(), Stack::default());
            // Any answer will do, as long as there is one.
            let _listed = walker.threads(&target, &mut listed);
            for thread in &threads {
                target_reads(&target).set(0);
                let outcome = walker.stack(&target, thread, &mut stack);
                assert!(
                    target_reads(&target).get() < MAX_READS,
                    "{version}: {} reads",
                    target_reads(&target).get()
                );
                assert!(
                    stack.frames.len() <= MAX_DEPTH,
                    "{version}: {} frames",
                    stack.frames.len()
                );
                assert!(outcome == Outcome::Exact || outcome == Outcome::Salvaged || stack.frames.is_empty());
                different += usize::from(outcome != Outcome::Exact);
                torn += usize::from(outcome == Outcome::Torn && stack.stop != Stop::Base);
                for frame in stack.frames.iter().take(3) {
                    let _code = target.code(frame.code);
                }
            }
        }
        eprintln!(
            "{version}: of {ROUNDS} damaged images {different} samples not exact, {torn} torn with a reason"
        );
        // The damage must have been felt, else this test shows nothing.
        assert!(torn > 0, "{version}");
    });
}

fn target_reads(target: &Target<Image>) -> &std::cell::Cell<usize> {
    &target.memory().reads
}
