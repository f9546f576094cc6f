//! What is sent, in the order of `routes`. The schema of each answer stands in `openapi`; the tests
//! hold real answers against it.

use std::collections::BTreeMap;

use pyrometer_model::{CallTree, Span, UnixNanos};
use serde::Serialize;

/// Unix seconds.
pub(super) fn seconds(instant: UnixNanos) -> f64 {
    instant.as_secs_f64()
}

/// A span as `[from, until]`.
pub(super) fn pair(span: Span) -> [f64; 2] {
    [seconds(span.start), seconds(span.end)]
}

#[derive(Serialize)]
pub(super) struct Services {
    pub(super) services: Vec<Service>,
}

#[derive(Serialize)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) workers: usize,
    pub(super) cores: f64,
    pub(super) samples: u64,
}

#[derive(Serialize)]
pub(super) struct Labels {
    pub(super) labels: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct LabelValues {
    pub(super) values: Vec<LabelValue>,
}

#[derive(Serialize)]
pub(super) struct LabelValue {
    pub(super) value: String,
    pub(super) total: u64,
}

#[derive(Serialize)]
pub(super) struct ProfileTypes {
    pub(super) profile_types: Vec<ProfileTypeName>,
}

#[derive(Serialize)]
pub(super) struct ProfileTypeName {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
}

#[derive(Serialize)]
pub(super) struct Flamegraph {
    pub(super) profile_type: &'static str,
    pub(super) unit: &'static str,
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) total: u64,
    pub(super) samples: u64,
    pub(super) workers: usize,
    pub(super) hosts: usize,
    pub(super) gaps: Vec<[f64; 2]>,
    pub(super) functions: Vec<Function>,
    pub(super) nodes: Nodes,
}

#[derive(Serialize)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
}

#[derive(Serialize)]
pub(super) struct Nodes {
    pub(super) parent: Vec<i64>,
    pub(super) function: Vec<u32>,
    #[serde(rename = "self")]
    pub(super) self_values: Vec<u64>,
    pub(super) total: Vec<u64>,
}

impl Nodes {
    /// The columns of a tree and the functions that they refer to.
    pub(super) fn of(tree: CallTree) -> (Vec<Function>, Self) {
        let functions = tree.functions.into_iter();
        let functions = functions
            .map(|one| Function {
                name: one.name,
                file: one.file,
                line: one.line,
            })
            .collect();
        // The root's parent is the one number that is not a node: -1 on the wire.
        let parent = tree.parent.into_iter().enumerate();
        let parent = parent
            .map(|(node, parent)| if node == 0 { -1 } else { i64::from(parent) })
            .collect();
        (
            functions,
            Self {
                parent,
                function: tree.function,
                self_values: tree.self_value,
                total: tree.total,
            },
        )
    }
}

#[derive(Serialize)]
pub(super) struct Table {
    pub(super) profile_type: &'static str,
    pub(super) unit: &'static str,
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) total: u64,
    pub(super) samples: u64,
    pub(super) functions: Vec<FunctionRow>,
}

#[derive(Serialize)]
pub(super) struct FunctionRow {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
    #[serde(rename = "self")]
    pub(super) self_value: u64,
    pub(super) total: u64,
}

#[derive(Serialize)]
pub(super) struct Timeline {
    pub(super) profile_type: &'static str,
    pub(super) unit: &'static str,
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) step: f64,
    pub(super) group_by: Option<String>,
    pub(super) series: Vec<TimelineSeries>,
    pub(super) gaps: Vec<[f64; 2]>,
}

#[derive(Serialize)]
pub(super) struct TimelineSeries {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) values: Vec<Option<u64>>,
}

#[derive(Serialize)]
pub(super) struct FunctionTimeline {
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) step: f64,
    #[serde(rename = "self")]
    pub(super) self_values: Vec<Option<u64>>,
    pub(super) total: Vec<Option<u64>>,
}

#[derive(Serialize)]
pub(super) struct Workers {
    pub(super) collector: CollectorState,
    pub(super) collected: f64,
    pub(super) workers: Vec<Worker>,
}

#[derive(Serialize)]
pub(super) struct CollectorState {
    pub(super) state: &'static str,
    pub(super) reason: Option<String>,
    pub(super) hint: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Worker {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) state: &'static str,
    pub(super) error: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) service: Option<String>,
    pub(super) host: Option<String>,
    pub(super) pid: Option<u32>,
    pub(super) python: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) started: Option<f64>,
    pub(super) last_window: Option<f64>,
    pub(super) rate_hz: Option<u32>,
    pub(super) windows: u64,
    pub(super) missed_windows: u64,
    pub(super) rejected_answers: u64,
    pub(super) samples: u64,
    pub(super) wall_ns: u64,
    pub(super) cpu_ns: u64,
    pub(super) agent_cpu_fraction: Option<f64>,
    pub(super) agent_memory_bytes: Option<u64>,
}
