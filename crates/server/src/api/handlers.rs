//! From question to answer: one function per resource.

use std::collections::BTreeMap;

use pyrometer_model::ProfileType;
use pyrometer_store::{Gap, Profile, Query, Steps, answer};

use super::Context;
use super::answers::{self, pair, seconds};
use super::error::ApiError;
use super::params::Params;
use super::routes::Reply;

pub(super) fn services(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let query = params.query()?;
    let series = context.store.select(&query)?;
    let services = answer::services(&series)
        .into_iter()
        .map(|service| answers::Service {
            workers: service.workers,
            cores: service.totals.cpu_ns as f64 / query.span.nanos() as f64,
            samples: service.totals.samples,
            name: service.name,
        });
    Reply::json(&answers::Services {
        services: services.collect(),
    })
}

pub(super) fn labels(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let series = context.store.select(&params.query()?)?;
    Reply::json(&answers::Labels {
        labels: answer::label_names(&series),
    })
}

pub(super) fn label_values(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let profile_type = params.profile_type()?;
    let series = context.store.select(&params.query()?)?;
    let values = answer::label_values(&series, params.path("name"), profile_type);
    let values = values
        .into_iter()
        .map(|(value, total)| answers::LabelValue { value, total });
    Reply::json(&answers::LabelValues {
        values: values.collect(),
    })
}

pub(super) fn profile_types(_: &Context, _: &Params) -> Result<Reply, ApiError> {
    let types = ProfileType::ALL.into_iter();
    let types = types.map(|one| answers::ProfileTypeName {
        id: one.id(),
        name: one.title(),
        unit: one.unit(),
    });
    Reply::json(&answers::ProfileTypes {
        profile_types: types.collect(),
    })
}

pub(super) fn flamegraph(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let max_nodes = params.max_nodes()?;
    Reply::json(&flamegraph_of(
        context,
        &params.query()?,
        params.profile_type()?,
        max_nodes,
    )?)
}

/// The answer, which the export sends too.
pub(super) fn flamegraph_of(
    context: &Context,
    query: &Query,
    profile_type: ProfileType,
    max_nodes: usize,
) -> Result<answers::Flamegraph, ApiError> {
    let Profile { tree, series } = context.store.profile(query, profile_type)?;
    let gaps = context.store.gaps(query)?;
    let tree = if tree.len() > max_nodes {
        tree.prune(max_nodes)
    } else {
        tree
    };
    let total = tree.grand_total();
    let (functions, nodes) = answers::Nodes::of(tree);
    Ok(answers::Flamegraph {
        profile_type: profile_type.id(),
        unit: profile_type.unit(),
        from: seconds(query.span.start),
        until: seconds(query.span.end),
        total,
        samples: series.iter().map(|one| one.totals.samples).sum(),
        workers: answer::count_distinct(&series, "incarnation"),
        hosts: answer::count_distinct(&series, "host"),
        gaps: gap_pairs(&gaps),
        functions,
        nodes,
    })
}

pub(super) fn table(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let (query, profile_type) = (params.query()?, params.profile_type()?);
    let Profile { tree, series } = context.store.profile(&query, profile_type)?;
    let rows = tree.functions.iter().zip(tree.by_function()).skip(1);
    let mut functions: Vec<_> = rows
        .map(|(function, value)| answers::FunctionRow {
            name: function.name.clone(),
            file: function.file.clone(),
            line: function.line,
            self_value: value.self_value,
            total: value.total,
        })
        .collect();
    functions.sort_by_key(|row| std::cmp::Reverse((row.self_value, row.total)));
    Reply::json(&answers::Table {
        profile_type: profile_type.id(),
        unit: profile_type.unit(),
        from: seconds(query.span.start),
        until: seconds(query.span.end),
        total: tree.grand_total(),
        samples: series.iter().map(|one| one.totals.samples).sum(),
        functions,
    })
}

pub(super) fn timeline(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let (selector, profile_type, steps) = (params.selector()?, params.profile_type()?, params.steps()?);
    let group_by = params.get("group_by");
    let timeline = context.store.timeline(&selector, profile_type, steps, group_by)?;
    let gaps = context.store.gaps(&Query {
        selector,
        span: steps.span(),
    })?;
    let series = timeline.groups.into_iter().map(|(group, values)| {
        let labels = group_by
            .map(|name| (name.to_owned(), group))
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        answers::TimelineSeries { labels, values }
    });
    let (from, until, step) = bounds(steps);
    Reply::json(&answers::Timeline {
        profile_type: profile_type.id(),
        unit: profile_type.unit(),
        from,
        until,
        step,
        group_by: group_by.map(str::to_owned),
        series: series.collect(),
        gaps: gap_pairs(&gaps),
    })
}

pub(super) fn function_timeline(context: &Context, params: &Params) -> Result<Reply, ApiError> {
    let (selector, profile_type, steps) = (params.selector()?, params.profile_type()?, params.steps()?);
    let function = (params.required("function")?, params.required("file")?);
    let timeline = context
        .store
        .function_timeline(&selector, profile_type, steps, function)?;
    let (from, until, step) = bounds(steps);
    Reply::json(&answers::FunctionTimeline {
        from,
        until,
        step,
        self_values: timeline.self_values,
        total: timeline.totals,
    })
}

fn bounds(steps: Steps) -> (f64, f64, f64) {
    let span = steps.span();
    (seconds(span.start), seconds(span.end), steps.step_ns as f64 / 1e9)
}

fn gap_pairs(gaps: &[Gap]) -> Vec<[f64; 2]> {
    gaps.iter().map(|gap| pair(gap.span)).collect()
}
