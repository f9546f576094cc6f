//! The one table that the router and the description are made of.

use serde_json::Value;

use super::error::ApiError;
use super::openapi::schema;
use super::params::Params;
use super::{Context, export, handlers, workers};

/// A resource.
pub(crate) struct Route {
    /// Path, with `{name}` for its parts that vary.
    pub(crate) path: &'static str,
    /// One line for the description.
    pub(crate) summary: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// Schema of the answer; `None` for a file.
    pub(crate) schema: Option<fn() -> Value>,
    pub(crate) handler: fn(&Context, &Params) -> Result<Reply, ApiError>,
}

/// A parameter of the query string.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
}

/// What a handler answers.
pub(crate) enum Reply {
    Json(Vec<u8>),
    File {
        name: String,
        media_type: &'static str,
        bytes: Vec<u8>,
    },
}

impl Reply {
    pub(crate) fn json(answer: &impl serde::Serialize) -> Result<Self, ApiError> {
        serde_json::to_vec(answer)
            .map(Self::Json)
            .map_err(|error| ApiError::internal(error.to_string()))
    }
}

const fn optional(name: &'static str, about: &'static str) -> Parameter {
    Parameter {
        name,
        about,
        required: false,
    }
}

const QUERY: Parameter = optional(
    "query",
    r#"selector, as {service="shop",host=~"web-.*"}; empty selects all"#,
);
const TYPE: Parameter = optional("type", "id of a profile type; CPU time by default");
const FROM: Parameter = optional(
    "from",
    "first instant: RFC 3339, unix seconds, now, now-15m; an hour before until by default",
);
const UNTIL: Parameter = optional("until", "first instant after; now by default");
const STEP: Parameter = optional("step", "length of a step: seconds or 30s, 5m, 1h; at least 10 s");
const GROUP_BY: Parameter = optional("group_by", "name of the label that makes one series per value");
const MAX_NODES: Parameter = optional("max_nodes", "about how many nodes to keep; 20000 by default");
const FORMAT: Parameter = optional("format", "collapsed, pprof or json; json by default");
const FUNCTION: Parameter = Parameter {
    name: "function",
    about: "qualified name of the function",
    required: true,
};
const FILE: Parameter = Parameter {
    name: "file",
    about: "file of the function; may be empty",
    required: true,
};

/// Every resource of the API.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: "/api/v1/services",
        summary: "Services with workers, cores and samples, the most cores first",
        parameters: &[FROM, UNTIL],
        schema: Some(schema::services),
        handler: handlers::services,
    },
    Route {
        path: "/api/v1/labels",
        summary: "Names of the labels of selected series",
        parameters: &[QUERY, FROM, UNTIL],
        schema: Some(schema::labels),
        handler: handlers::labels,
    },
    Route {
        path: "/api/v1/labels/{name}/values",
        summary: "Values of a label with their cost, the largest first",
        parameters: &[QUERY, TYPE, FROM, UNTIL],
        schema: Some(schema::label_values),
        handler: handlers::label_values,
    },
    Route {
        path: "/api/v1/profile_types",
        summary: "What is counted",
        parameters: &[],
        schema: Some(schema::profile_types),
        handler: handlers::profile_types,
    },
    Route {
        path: "/api/v1/flamegraph",
        summary: "Calling-context tree of an interval, as columns in pre-order",
        parameters: &[QUERY, TYPE, FROM, UNTIL, MAX_NODES],
        schema: Some(schema::flamegraph),
        handler: handlers::flamegraph,
    },
    Route {
        path: "/api/v1/table",
        summary: "Functions with self and total, the largest self first",
        parameters: &[QUERY, TYPE, FROM, UNTIL],
        schema: Some(schema::table),
        handler: handlers::table,
    },
    Route {
        path: "/api/v1/timeline",
        summary: "Sums per step; null where no worker delivered",
        parameters: &[QUERY, TYPE, FROM, UNTIL, STEP, GROUP_BY],
        schema: Some(schema::timeline),
        handler: handlers::timeline,
    },
    Route {
        path: "/api/v1/functions/timeline",
        summary: "Self and total of one function per step",
        parameters: &[QUERY, TYPE, FROM, UNTIL, STEP, FUNCTION, FILE],
        schema: Some(schema::function_timeline),
        handler: handlers::function_timeline,
    },
    Route {
        path: "/api/v1/workers",
        summary: "Targets of the collector, and what is stored of each",
        parameters: &[],
        schema: Some(schema::workers),
        handler: workers::workers,
    },
    Route {
        path: "/api/v1/export",
        summary: "The tree of an interval as a file",
        parameters: &[QUERY, TYPE, FROM, UNTIL, FORMAT],
        schema: None,
        handler: export::export,
    },
];
