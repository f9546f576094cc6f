//! speedscope: one sampled profile per thread, stacks root first, in order of time.
//!
//! Source: `file-format-schema.json` of speedscope 1.25.

use pyrometer_model::ProfileType;
use serde_json::{Value, json};

use crate::recording::{Recording, Track};

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// Writes one value per stretch of time.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let frames = recording.functions.as_slice().iter();
    let frames: Vec<Value> = frames
        .map(|function| match (function.file.as_str(), function.line) {
            ("", _) => json!({"name": function.name}),
            (file, 0) => json!({"name": function.name, "file": file}),
            (file, line) => json!({"name": function.name, "file": file, "line": line}),
        })
        .collect();
    let unit = match profile_type {
        ProfileType::Samples => "none",
        ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => "nanoseconds",
    };
    let tracks = recording.timeline(profile_type);
    let profiles: Vec<Value> = tracks
        .iter()
        .map(|track| profile(recording, track, unit))
        .collect();
    json!({
        "$schema": SCHEMA,
        "shared": {"frames": frames},
        "profiles": profiles,
        "name": format!("{} – {}", recording.title, profile_type.title()),
        "activeProfileIndex": busiest(&tracks),
        "exporter": concat!("pyrometer ", env!("CARGO_PKG_VERSION")),
    })
    .to_string()
    .into_bytes()
}

fn profile(recording: &Recording, track: &Track, unit: &str) -> Value {
    let stack_of = |stack| -> Vec<u32> {
        recording
            .frames(stack)
            .into_iter()
            .map(|(function, _)| function.0)
            .collect()
    };
    let samples: Vec<Vec<u32>> = track
        .stretches
        .iter()
        .map(|stretch| stack_of(stretch.stack))
        .collect();
    let weights: Vec<u64> = track.stretches.iter().map(|stretch| stretch.weight).collect();
    json!({
        "type": "sampled",
        "name": track.thread.title(),
        "unit": unit,
        "startValue": 0,
        "endValue": weights.iter().sum::<u64>(),
        "samples": samples,
        "weights": weights,
    })
}

fn busiest(tracks: &[Track]) -> usize {
    let weight = |track: &Track| -> u64 { track.stretches.iter().map(|stretch| stretch.weight).sum() };
    let most = tracks.iter().enumerate().max_by_key(|(_, track)| weight(track));
    most.map_or(0, |(index, _)| index)
}
