//! Samples of a thread that calls and returns all the time do not show calls that were not made.
//!
//! n = 200,000 samples of plain calls and 30,000 of each other kind, per release, and none may be wrong.
//! A walk that believed stale frames would show percents, and one that believed two equal copies some in
//! 1,000. Pauses of random length keep the samples from falling into step with the loop.

use std::collections::HashMap;

use pyrometer_unwind::{Address, Frame, Memory, Stack, Target, Walker};

use crate::each_release;

/// Functions by the address of their code, copied when first met.
struct Names {
    known: HashMap<Address, (String, pyrometer_unwind::LineTable)>,
}

impl Names {
    fn of<M: Memory>(&mut self, target: &Target<M>, frame: &Frame) -> (&str, u32) {
        let (name, lines) = self.known.entry(frame.code).or_insert_with(|| {
            let code = target.code(frame.code).unwrap();
            (
                code.name.rsplit('.').next().unwrap_or_default().to_owned(),
                code.lines,
            )
        });
        (name, lines.line_at(frame.instruction).unwrap_or(0))
    }
}

fn check(kind: &str, samples: usize) {
    each_release("alternating.py", &[kind], |version, _running, target| {
        let mut names = Names {
            known: HashMap::new(),
        };
        let mut walker = Walker::new();
        let mut threads = Vec::new();
        walker.threads(&target, &mut threads).unwrap();
        let mut stack = Stack::default();
        let mut outcomes: HashMap<String, usize> = HashMap::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        // Line of the loop in which each callee of the loop was seen.
        let mut loop_lines: HashMap<(String, u32), usize> = HashMap::new();
        let mut random = 1_u64;
        for _ in 0..samples {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (0..random >> 54).for_each(|_| std::hint::spin_loop());
            let outcome = walker.stack(&target, &threads[0], &mut stack);
            *outcomes.entry(format!("{outcome:?}")).or_default() += 1;
            for (callee, caller) in stack.frames.iter().zip(stack.frames.iter().skip(1)) {
                let callee = names.of(&target, callee).0.to_owned();
                let (caller, line) = names.of(&target, caller);
                let pair = format!("{caller} -> {callee}");
                if caller == kind {
                    *loop_lines.entry((callee, line)).or_default() += 1;
                }
                *seen.entry(pair).or_default() += 1;
            }
        }
        eprintln!("{version} {kind} n={samples} {outcomes:?} {seen:?}");
        let wrong = ["a -> y", "b -> x", "x -> y", "y -> x", "a -> b", "b -> a"];
        let wrong: usize = wrong.iter().filter_map(|pair| seen.get(*pair)).sum();
        assert_eq!(wrong, 0, "{version} {kind}: {seen:?}");
        // The loop calls a on one line and b on another.
        for callee in ["a", "b"] {
            let of_callee = loop_lines.iter().filter(|((name, _), _)| name == callee);
            let counts: Vec<usize> = of_callee.map(|(_, count)| *count).collect();
            let strays = counts.iter().sum::<usize>() - counts.iter().max().unwrap_or(&0);
            assert_eq!(strays, 0, "{version} {kind}: {loop_lines:?}");
        }
        // The loop is symmetric, so both sides are seen about as often.
        let (a, b) = (seen[&format!("{kind} -> a")], seen[&format!("{kind} -> b")]);
        assert!(a.min(b) * 2 > a.max(b), "{version} {kind}: {a} of a, {b} of b");
        assert_eq!(outcomes.get("Empty"), None, "{version} {kind}");
    });
}

#[test]
fn plain_calls_are_never_mixed() {
    check("calls", 200_000);
}

#[test]
fn generators_are_never_mixed() {
    check("generators", 30_000);
}

#[test]
fn entries_from_c_are_never_mixed() {
    check("reentry", 30_000);
}

#[test]
fn recursions_are_never_mixed() {
    check("recursion", 30_000);
}
