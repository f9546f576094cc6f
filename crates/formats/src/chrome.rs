//! `chrome`: Trace Event JSON, for Perfetto and `chrome://tracing`: each thread as a flame chart.
//!
//! A frame is one slice for as long as consecutive samples found it in the same place of the stack.

use pyrometer_model::ProfileType;
use serde_json::{Value, json};

use crate::call_nodes::CallNodes;
use crate::recording::{Recording, Stretch, Track};

/// Two stretches this close follow each other: rounding, not a gap.
const TOUCHING_NS: u64 = 1000;

/// Writes it.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let calls = CallNodes::of(recording);
    let mut events = Vec::new();
    for track in recording.timeline(profile_type) {
        let (pid, tid) = (track.thread.pid, track.thread.os_thread_id);
        let mut name = |what: &str, name: &str| {
            events.push(json!({"ph": "M", "pid": pid, "tid": tid, "name": what, "args": {"name": name}}));
        };
        name("process_name", &track.thread.process);
        name("thread_name", &track.thread.name);
        Slices {
            recording,
            calls: &calls,
            track: &track,
            open: Vec::new(),
            events: &mut events,
        }
        .write();
    }
    json!({
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"title": recording.title, "profile_type": profile_type.id()},
    })
    .to_string()
    .into_bytes()
}

struct Slices<'a> {
    recording: &'a Recording,
    calls: &'a CallNodes,
    track: &'a Track,
    /// Call nodes that are open, and since when.
    open: Vec<(u32, u64)>,
    events: &'a mut Vec<Value>,
}

impl Slices<'_> {
    fn write(mut self) {
        let mut last_end_ns = 0;
        for Stretch {
            start_ns,
            end_ns,
            stack,
            ..
        } in &self.track.stretches
        {
            let path = self.calls.path(self.calls.node(*stack));
            let follows = *start_ns <= last_end_ns + TOUCHING_NS;
            let same = self
                .open
                .iter()
                .zip(&path)
                .take_while(|((open, _), node)| open == *node);
            let same = if follows { same.count() } else { 0 };
            self.close_to(same, last_end_ns);
            self.open
                .extend(path[same..].iter().map(|node| (*node, *start_ns)));
            last_end_ns = *end_ns;
        }
        self.close_to(0, last_end_ns);
    }

    fn close_to(&mut self, depth: usize, end_ns: u64) {
        for (node, start_ns) in self.open.drain(depth..).rev() {
            let (_, function) = self.calls.nodes[node as usize];
            let Some(function) = self.recording.functions.get(function) else {
                continue;
            };
            self.events.push(json!({
                "ph": "X",
                "pid": self.track.thread.pid,
                "tid": self.track.thread.os_thread_id,
                "ts": start_ns as f64 / 1e3,
                "dur": end_ns.saturating_sub(start_ns) as f64 / 1e3,
                "name": function.name,
                "cat": "python",
                "args": {"file": function.file, "line": function.line},
            }));
        }
    }
}
