//! `.cpuprofile`: `Profiler.Profile` of the Chrome DevTools Protocol, as DevTools and editors open it.
//!
//! The format knows one thread. A recording of one keeps its course over time; of several, each has
//! a node below the root, and they lie end to end.

use pyrometer_model::{Function, ProfileType};
use serde_json::{Value, json};

use crate::call_nodes::CallNodes;
use crate::recording::{Recording, Track};

/// Numbers of the nodes that every profile has.
const ROOT: usize = 1;
const IDLE: usize = 2;
const FIRST_FREE: usize = 3;

/// Writes it. Samples without a duration (counts) are one period long.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let calls = CallNodes::of(recording);
    let tracks = recording.timeline(profile_type);
    // Several threads have a node each, and a tree of call nodes each below it.
    let heads = if tracks.len() > 1 { tracks.len() } else { 0 };
    let id = |track: usize, node: Option<u32>| match (node, heads) {
        (None, 0) => ROOT,
        (None, _) => FIRST_FREE + track,
        (Some(node), 0) => FIRST_FREE + node as usize,
        (Some(node), _) => FIRST_FREE + heads + track * calls.nodes.len() + node as usize,
    };
    let mut nodes = Nodes::default();
    nodes.add(ROOT, None, call_frame("(root)", "", 0));
    nodes.add(IDLE, Some(ROOT), call_frame("(idle)", "", 0));
    for (number, track) in tracks.iter().enumerate() {
        if heads > 0 {
            nodes.add(
                id(number, None),
                Some(ROOT),
                call_frame(&track.thread.title(), "", 0),
            );
        }
        for (node, (parent, function)) in calls.nodes.iter().enumerate() {
            let Some(Function { name, file, line }) = recording.functions.get(*function) else {
                continue;
            };
            nodes.add(
                id(number, Some(node as u32)),
                Some(id(number, *parent)),
                call_frame(name, file, *line),
            );
        }
    }
    let mut times = Times::default();
    for (number, track) in tracks.iter().enumerate() {
        times.add(track, |stack| id(number, calls.node(stack)));
    }
    let start_us = recording.span.start.0 / 1000;
    // Written by hand at the top: readers tell the format by how it begins.
    let text = format!(
        "{{\"nodes\":{},\"startTime\":{start_us},\"endTime\":{},\"samples\":{},\"timeDeltas\":{}}}",
        nodes.into_json(&times.samples),
        start_us + times.end_ns / 1000,
        json!(times.samples),
        json!(times.deltas_us),
    );
    text.into_bytes()
}

fn call_frame(name: &str, file: &str, line: u32) -> Value {
    json!({
        "functionName": name,
        "scriptId": "0",
        "url": file,
        "lineNumber": i64::from(line) - 1,
        "columnNumber": -1,
    })
}

#[derive(Default)]
struct Nodes {
    frames: Vec<(usize, Value)>,
    children: std::collections::HashMap<usize, Vec<usize>>,
}

impl Nodes {
    fn add(&mut self, id: usize, parent: Option<usize>, call_frame: Value) {
        self.frames.push((id, call_frame));
        if let Some(parent) = parent {
            self.children.entry(parent).or_default().push(id);
        }
    }

    fn into_json(mut self, samples: &[usize]) -> Value {
        let mut counts = std::collections::HashMap::<usize, u64>::new();
        samples.iter().for_each(|id| *counts.entry(*id).or_default() += 1);
        let frames = self.frames.into_iter();
        let nodes = frames.map(|(id, call_frame)| {
            let hit_count = counts.get(&id).copied().unwrap_or(0);
            let mut node = json!({"id": id, "callFrame": call_frame, "hitCount": hit_count});
            if let Some(children) = self.children.remove(&id) {
                node["children"] = json!(children);
            }
            node
        });
        nodes.collect()
    }
}

/// Samples and the time before each, end to end.
#[derive(Default)]
struct Times {
    samples: Vec<usize>,
    deltas_us: Vec<u64>,
    last_us: u64,
    end_ns: u64,
}

impl Times {
    fn add(&mut self, track: &Track, id: impl Fn(pyrometer_model::StackId) -> usize) {
        let origin_ns = self.end_ns;
        let mut at_ns = 0;
        for stretch in &track.stretches {
            if stretch.start_ns > at_ns {
                self.push(IDLE, origin_ns + at_ns);
            }
            self.push(id(stretch.stack), origin_ns + stretch.start_ns);
            at_ns = stretch.end_ns;
        }
        self.push(IDLE, origin_ns + at_ns);
        self.end_ns = origin_ns + at_ns;
    }

    fn push(&mut self, node: usize, at_ns: u64) {
        let at_us = (at_ns / 1000).max(self.last_us);
        self.samples.push(node);
        self.deltas_us.push(at_us - self.last_us);
        self.last_us = at_us;
    }
}
