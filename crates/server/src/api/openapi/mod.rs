//! The description of the API (OpenAPI 3.1), made from the same table as the router.
//!
//! Written by hand rather than derived: deriving took a third of this crate's build time. The tests
//! hold every real answer against its schema, with no field too many and none missing.

pub(super) mod schema;

use serde_json::{Value, json};

use super::routes::{ROUTES, Route};

/// Where the description is served.
pub const PATH: &str = "/api/v1/openapi.json";

/// The description of every resource.
#[must_use]
pub fn document() -> Value {
    let paths: serde_json::Map<String, Value> = ROUTES
        .iter()
        .map(|route| (route.path.to_owned(), json!({"get": operation(route)})))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pyrometer query API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": schema::error()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.about,
            "schema": {"type": "string"},
        })
    });
    let content = match route.schema {
        Some(schema) => json!({"application/json": {"schema": schema()}}),
        None => json!({"*/*": {"schema": {"type": "string", "format": "binary"}}}),
    };
    let error = |about: &str| {
        let schema = json!({"$ref": "#/components/schemas/Error"});
        json!({"description": about, "content": {"application/json": {"schema": schema}}})
    };
    let name = route
        .path
        .trim_start_matches("/api/v1/")
        .replace(['/', '{', '}'], "_")
        .replace("__", "_");
    json!({
        "operationId": name.trim_matches('_'),
        "summary": route.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {"description": "the answer", "content": content},
            "400": error("the question is not well put"),
            "503": error("the store cannot answer now"),
        },
    })
}
