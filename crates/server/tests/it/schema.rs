//! Holds a value against a schema: the part of JSON Schema that the API's description uses.

use serde_json::Value;

/// Says what does not fit, and where.
pub(crate) fn check(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{place}: {what}: {value}"));
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    if !types.iter().any(|name| is(name.as_str().unwrap_or(""), value)) {
        return wrong(&format!("is not {}", schema["type"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|names| !names.contains(value))
    {
        return wrong("is not one of the names");
    }
    if let Value::Array(items) = value {
        for (index, item) in items.iter().enumerate() {
            check(&schema["items"], item, &format!("{place}[{index}]"))?;
        }
    }
    if let Value::Object(fields) = value {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap_or("")) {
                return wrong(&format!("lacks {name}"));
            }
        }
        for (name, field) in fields {
            let known = schema["properties"]
                .get(name)
                .unwrap_or(&schema["additionalProperties"]);
            if known == &Value::Bool(false) {
                return wrong(&format!("has {name:?} too many"));
            }
            check(known, field, &format!("{place}.{name}"))?;
        }
    }
    Ok(())
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"type": "array", "items": {"type": ["integer", "null"]}}},
    });
    let fits = |value: Value| check(&schema, &value, "").is_ok();
    assert!(fits(serde_json::json!({"a": [1, null]})));
    assert!(!fits(serde_json::json!({"a": [1.5]})));
    assert!(!fits(serde_json::json!({})));
    assert!(!fits(serde_json::json!({"a": [], "b": 1})));
}
