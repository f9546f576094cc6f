//! Schemas of the answers, one function per struct of `answers`.

use serde_json::{Value, json};

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn number() -> Value {
    json!({"type": "number"})
}

/// Unix seconds.
fn time() -> Value {
    json!({"type": "number", "description": "unix seconds"})
}

fn or_null(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

fn gaps() -> Value {
    let pair = json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2});
    json!({"type": "array", "items": pair, "description": "[from, until] of windows that nobody can have any more"})
}

fn text_map() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

pub(crate) fn error() -> Value {
    object([(
        "error",
        object([("code", text()), ("message", text()), ("hint", text())]),
    )])
}

pub(crate) fn services() -> Value {
    let service = [
        ("name", text()),
        ("workers", integer()),
        ("cores", number()),
        ("samples", integer()),
    ];
    object([("services", list(object(service)))])
}

pub(crate) fn labels() -> Value {
    object([("labels", list(text()))])
}

pub(crate) fn label_values() -> Value {
    object([("values", list(object([("value", text()), ("total", integer())])))])
}

pub(crate) fn profile_types() -> Value {
    object([(
        "profile_types",
        list(object([("id", text()), ("name", text()), ("unit", text())])),
    )])
}

pub(crate) fn flamegraph() -> Value {
    let function = object([("name", text()), ("file", text()), ("line", integer())]);
    let nodes = object([
        ("parent", list(integer())),
        ("function", list(integer())),
        ("self", list(integer())),
        ("total", list(integer())),
    ]);
    object([
        ("profile_type", text()),
        ("unit", text()),
        ("from", time()),
        ("until", time()),
        ("total", integer()),
        ("samples", integer()),
        ("workers", integer()),
        ("hosts", integer()),
        ("gaps", gaps()),
        ("functions", list(function)),
        ("nodes", nodes),
    ])
}

pub(crate) fn table() -> Value {
    let row = [
        ("name", text()),
        ("file", text()),
        ("line", integer()),
        ("self", integer()),
        ("total", integer()),
    ];
    object([
        ("profile_type", text()),
        ("unit", text()),
        ("from", time()),
        ("until", time()),
        ("total", integer()),
        ("samples", integer()),
        ("functions", list(object(row))),
    ])
}

pub(crate) fn timeline() -> Value {
    let series = object([("labels", text_map()), ("values", list(or_null("integer")))]);
    object([
        ("profile_type", text()),
        ("unit", text()),
        ("from", time()),
        ("until", time()),
        ("step", number()),
        ("group_by", or_null("string")),
        ("series", list(series)),
        ("gaps", gaps()),
    ])
}

pub(crate) fn function_timeline() -> Value {
    let values = || list(or_null("integer"));
    object([
        ("from", time()),
        ("until", time()),
        ("step", number()),
        ("self", values()),
        ("total", values()),
    ])
}

pub(crate) fn workers() -> Value {
    let collector = object([
        ("state", one_of(&["collecting", "paused"])),
        ("reason", or_null("string")),
        ("hint", or_null("string")),
    ]);
    let worker = object([
        ("id", text()),
        ("target", text()),
        (
            "state",
            one_of(&["up", "silent", "unreachable", "invalid", "exited", "pending"]),
        ),
        ("error", or_null("string")),
        ("hint", or_null("string")),
        ("service", or_null("string")),
        ("host", or_null("string")),
        ("pid", or_null("integer")),
        ("python", or_null("string")),
        ("labels", text_map()),
        ("started", or_null("number")),
        ("last_window", or_null("number")),
        ("rate_hz", or_null("integer")),
        ("windows", integer()),
        ("missed_windows", integer()),
        ("rejected_answers", integer()),
        ("samples", integer()),
        ("wall_ns", integer()),
        ("cpu_ns", integer()),
        ("agent_cpu_fraction", or_null("number")),
        ("agent_memory_bytes", or_null("integer")),
    ]);
    object([
        ("collector", collector),
        ("collected", number()),
        ("workers", list(worker)),
    ])
}
