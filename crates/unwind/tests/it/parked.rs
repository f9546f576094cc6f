//! Stacks of parked threads equal what `sys._current_frames()` says, frame by frame.

use std::collections::BTreeMap;

use pyrometer_unwind::{MAX_TEXT, Memory, Outcome, Stack, Stop, Target, ThreadSnapshot, Walker};
use serde_json::Value;

use crate::each_release;

/// Leaf first, one frame a line: name, file, first line, current line.
pub(crate) fn drawn<M: Memory>(target: &Target<M>, stack: &Stack) -> Vec<String> {
    stack
        .frames
        .iter()
        .map(|frame| {
            let code = target.code(frame.code).unwrap();
            let line = code.lines.line_at(frame.instruction).unwrap_or(0);
            format!("{} {}:{} @{line}", code.name, code.file, code.first_line)
        })
        .collect()
}

fn expected(stack: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().chars().take(MAX_TEXT).collect::<String>();
    let frames = stack.as_array().unwrap().iter();
    frames
        .map(|f| format!("{} {}:{} @{}", text(&f[0]), text(&f[1]), f[2], f[3]))
        .collect()
}

#[test]
fn parked_stacks_are_exact() {
    each_release("parked.py", &[], |version, running, target| {
        let mut walker = Walker::new();
        let mut threads = Vec::new();
        walker.threads(&target, &mut threads).unwrap();
        let by_os_id: BTreeMap<u64, ThreadSnapshot> = threads
            .iter()
            .map(|thread| (u64::from(thread.os_thread_id.0), *thread))
            .collect();
        let told = running.ready["threads"].as_object().unwrap();
        assert_eq!(by_os_id.len(), told.len(), "{version}: threads");
        let mut stack = Stack::default();
        // The second round runs on predictions.
        for round in ["first", "predicted"] {
            for (name, thread) in told {
                let snapshot = by_os_id[&thread["native"].as_u64().unwrap()];
                assert_eq!(
                    snapshot.python_thread_id,
                    thread["ident"].as_u64().unwrap(),
                    "{version} {name}"
                );
                assert_eq!(snapshot.interpreter, 0);
                let outcome = walker.stack(&target, &snapshot, &mut stack);
                assert_eq!(
                    drawn(&target, &stack),
                    expected(&thread["stack"]),
                    "{version} {name} ({round})"
                );
                assert_eq!(
                    (outcome, stack.stop),
                    (Outcome::Exact, Stop::Base),
                    "{version} {name} ({round})"
                );
            }
        }
    });
}
