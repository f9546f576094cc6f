//! The tree of an interval as a file of another tool.

use pyrometer_formats::{collapsed, pprof};
use pyrometer_model::{CallTree, ProfileType, Span};

use super::Context;
use super::error::ApiError;
use super::handlers::flamegraph_of;
use super::params::Params;
use super::routes::Reply;

/// Mean distance of two samples of a thread at the default rate.
const DEFAULT_PERIOD_NS: u64 = 10_000_000;

pub(super) fn export(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let (query, profile_type) = (params.query()?, params.profile_type()?);
    let name = format!(
        "pyrometer-{}-{}",
        query.span.start.0 / 1_000_000_000,
        query.span.end.0 / 1_000_000_000
    );
    match params.get("format").unwrap_or("json") {
        "json" => {
            let answer = flamegraph_of(context, &query, profile_type, usize::MAX)?;
            let bytes = serde_json::to_vec(&answer).map_err(|error| ApiError::internal(error.to_string()))?;
            Ok(Reply::File {
                name: format!("{name}.json"),
                media_type: "application/json",
                bytes,
            })
        }
        "collapsed" => {
            let text = collapsed::write(&context.store.profile(&query, profile_type)?.tree);
            let media_type = "text/plain; charset=utf-8";
            Ok(Reply::File {
                name: format!("{name}.collapsed"),
                media_type,
                bytes: text.into_bytes(),
            })
        }
        "pprof" => {
            let bytes = write_pprof(
                &context.store.profile(&query, profile_type)?.tree,
                profile_type,
                query.span,
            );
            Ok(Reply::File {
                name: format!("{name}.pb.gz"),
                media_type: "application/octet-stream",
                bytes,
            })
        }
        other => {
            let message = format!("the format {other:?} is not known");
            Err(ApiError::bad(
                "unknown_format",
                message,
                "known are collapsed, pprof and json",
            ))
        }
    }
}

/// Lines within functions are not part of a tree: each frame stands at its function's first line.
fn write_pprof(tree: &CallTree, profile_type: ProfileType, span: Span) -> Vec<u8> {
    let carriers = (0..tree.len()).filter(|&node| tree.self_value[node] > 0);
    let samples: Vec<pprof::Sample> = carriers
        .map(|node| {
            let mut frames = Vec::new();
            let mut next = node;
            while next != 0 {
                let function = tree.function[next];
                frames.push((function, tree.functions[function as usize].line));
                next = tree.parent[next] as usize;
            }
            let value = i64::try_from(tree.self_value[node]).unwrap_or(i64::MAX);
            pprof::Sample {
                frames,
                values: vec![value],
            }
        })
        .collect();
    pprof::write(
        &[profile_type],
        &tree.functions,
        &samples,
        span,
        DEFAULT_PERIOD_NS,
    )
}
