//! Query strings, read strictly: what is unknown or twice is refused, with the nearest known name.

use std::collections::BTreeMap;

use pyrometer_model::{ProfileType, Span, UnixNanos};
use pyrometer_store::{Query, Selector, Steps};

use super::error::ApiError;
use super::routes::Route;
use super::times;
use crate::server::now;

/// Nodes of a flamegraph when nobody says.
const DEFAULT_MAX_NODES: usize = 20_000;
/// Most nodes that can be asked for.
const MAX_NODES: usize = 2_000_000;
/// Most points of a timeline.
const MAX_POINTS: u64 = 2_000;
/// Points that the server aims at when it chooses the step.
const AIMED_POINTS: u64 = 200;
/// Shortest step: one window of a worker.
const MIN_STEP_NS: u64 = 10_000_000_000;
/// Interval when nobody says: the last hour.
const DEFAULT_SPAN_NS: u64 = 3_600_000_000_000;
/// Steps that people find natural, in seconds.
const NATURAL_STEPS: [u64; 14] = [
    10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
];

/// The parameters of one request; time is read once.
#[derive(Debug)]
pub(crate) struct Params {
    values: BTreeMap<String, String>,
    path: BTreeMap<String, String>,
    now: UnixNanos,
}

impl Params {
    pub(super) fn parse(
        query: &str,
        route: &Route,
        path: BTreeMap<String, String>,
    ) -> Result<Self, ApiError> {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !route.parameters.iter().any(|known| known.name == name) {
                return Err(unknown(&name, route));
            }
            if values
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                let message = format!("the parameter {name} stands twice");
                return Err(ApiError::bad("repeated_parameter", message, "send it once"));
            }
        }
        Ok(Self {
            values,
            path,
            now: now(),
        })
    }

    /// A part of the path.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A parameter that was given and is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        let missing = || {
            ApiError::bad(
                "missing_parameter",
                format!("{name} is missing"),
                format!("add {name}=…"),
            )
        };
        self.values.get(name).map(String::as_str).ok_or_else(missing)
    }

    pub(super) fn selector(&self) -> Result<Selector, ApiError> {
        let bad = |error: pyrometer_store::SelectorError| {
            ApiError::bad("bad_selector", error.to_string(), error.hint)
        };
        self.get("query").unwrap_or("").parse().map_err(bad)
    }

    pub(super) fn profile_type(&self) -> Result<ProfileType, ApiError> {
        let Some(text) = self.get("type") else {
            return Ok(ProfileType::Cpu);
        };
        let known = ProfileType::ALL.map(ProfileType::id);
        let hint = || match nearest(text, known.into_iter()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known are {}", known.join(", ")),
        };
        text.parse()
            .map_err(|error: pyrometer_model::profile_type::UnknownProfileType| {
                ApiError::bad("unknown_profile_type", error.to_string(), hint())
            })
    }

    pub(super) fn span(&self) -> Result<Span, ApiError> {
        let read = |name, default: UnixNanos| match self.get(name) {
            None => Ok(default),
            Some(text) => times::instant(text, self.now).ok_or_else(|| {
                let message = format!("{name}={text:?} is not a time");
                let hint =
                    "write RFC 3339 (2026-11-21T14:00:00Z), unix seconds, now, or now-15m (units s m h d w)";
                ApiError::bad("bad_time", message, hint)
            }),
        };
        let until = read("until", self.now)?;
        let from = read("from", UnixNanos(until.0.saturating_sub(DEFAULT_SPAN_NS)))?;
        if from >= until {
            let message = format!("from ({from}) is not before until ({until})");
            return Err(ApiError::bad(
                "empty_interval",
                message,
                "swap them, or move one of them",
            ));
        }
        Ok(Span::new(from, until))
    }

    pub(super) fn query(&self) -> Result<Query, ApiError> {
        Ok(Query {
            selector: self.selector()?,
            span: self.span()?,
        })
    }

    pub(super) fn max_nodes(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("max_nodes") else {
            return Ok(DEFAULT_MAX_NODES);
        };
        text.parse()
            .ok()
            .filter(|nodes| (1..=MAX_NODES).contains(nodes))
            .ok_or_else(|| {
                let message = format!("max_nodes={text:?} is not a number of nodes");
                ApiError::bad(
                    "bad_max_nodes",
                    message,
                    format!("write a number from 1 to {MAX_NODES}"),
                )
            })
    }

    /// The steps of a timeline: `from` goes down to a multiple of the step, `until` up.
    pub(super) fn steps(&self) -> Result<Steps, ApiError> {
        let span = self.span()?;
        let step_ns = match self.get("step") {
            None => natural_step(span.nanos() / AIMED_POINTS),
            Some(text) => times::duration(text).filter(|&step| step > 0).ok_or_else(|| {
                let message = format!("step={text:?} is not a duration");
                ApiError::bad("bad_step", message, "write seconds, or 30s, 5m, 1h, 1d")
            })?,
        };
        let step_ns = step_ns.max(MIN_STEP_NS);
        let from = span.start.align_down(step_ns);
        let count = (span.end.0 - from.0).div_ceil(step_ns);
        if count > MAX_POINTS {
            let message = format!("{count} points are more than {MAX_POINTS}");
            let least = natural_step(span.nanos().div_ceil(MAX_POINTS - 1)) / 1_000_000_000;
            return Err(ApiError::bad(
                "too_many_points",
                message,
                format!("use step={least}s or a shorter interval"),
            ));
        }
        Ok(Steps {
            from,
            step_ns,
            count: count as usize,
        })
    }
}

fn natural_step(least_ns: u64) -> u64 {
    let least = least_ns.div_ceil(1_000_000_000);
    let day = 86_400;
    let step = NATURAL_STEPS
        .into_iter()
        .find(|&step| step >= least)
        .unwrap_or(least.div_ceil(day) * day);
    step * 1_000_000_000
}

fn unknown(name: &str, route: &Route) -> ApiError {
    let known = || route.parameters.iter().map(|parameter| parameter.name);
    let hint = match nearest(name, known()) {
        Some(near) => format!("did you mean {near}?"),
        None if route.parameters.is_empty() => "this resource has no parameters".to_owned(),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    };
    ApiError::bad(
        "unknown_parameter",
        format!("there is no parameter {name:?} here"),
        hint,
    )
}

/// The known name that is nearest to what was written, if one is near at all.
fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = written.chars().take(80).collect();
    let near = |name: &str| edits(&written, &name.chars().collect::<Vec<_>>());
    let (distance, name) = known.map(|name| (near(name), name)).min()?;
    (distance <= (name.len() / 2).min(20)).then_some(name)
}

/// Levenshtein distance.
fn edits(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["query", "until", "max_nodes"];
        assert_eq!(nearest("querry", known.into_iter()), Some("query"));
        assert_eq!(nearest("maxnodes", known.into_iter()), Some("max_nodes"));
        assert_eq!(nearest("zzz", known.into_iter()), None);
    }

    #[test]
    fn steps_are_natural_and_never_shorter_than_a_window() {
        assert_eq!(natural_step(0), 10_000_000_000);
        assert_eq!(natural_step(16_000_000_000), 30_000_000_000);
        assert_eq!(natural_step(100_000 * 1_000_000_000), 172_800 * 1_000_000_000);
    }
}
