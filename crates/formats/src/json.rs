//! `json`: the flamegraph object of the query API, columns in pre-order with node 0 the root.

use pyrometer_model::{CallTree, ProfileType};
use serde_json::{Value, json};

use crate::recording::Recording;

/// Writes the tree of one profile type.
#[must_use]
pub fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    value(recording, profile_type, &recording.tree(profile_type))
        .to_string()
        .into_bytes()
}

/// The object, of a tree that may have been pruned.
pub(crate) fn value(recording: &Recording, profile_type: ProfileType, tree: &CallTree) -> Value {
    let functions = tree.functions.iter();
    let functions: Vec<Value> = functions
        .map(|function| json!({"name": function.name, "file": function.file, "line": function.line}))
        .collect();
    // The root's parent is the one number that is not a node.
    let parents = tree.parent.iter().enumerate();
    let parents: Vec<i64> = parents
        .map(|(node, &parent)| if node == 0 { -1 } else { i64::from(parent) })
        .collect();
    json!({
        "title": recording.title,
        "profile_type": profile_type.id(),
        "unit": profile_type.unit(),
        "from": recording.span.start.as_secs_f64(),
        "until": recording.span.end.as_secs_f64(),
        "total": tree.grand_total(),
        "samples": recording.total(ProfileType::Samples),
        "gaps": [],
        "functions": functions,
        "nodes": {
            "parent": parents,
            "function": tree.function,
            "self": tree.self_value,
            "total": tree.total,
        },
    })
}
