//! What a call recorder found, and its `json`: the flamegraph object of the query API with the number of
//! calls, what was measured before correction, and which timer really ran.
//!
//! It is also how the processes of one run hand over what they found, so there is a reader.

mod export;
mod table;

use pyrometer_model::tree::NO_PARENT;
use pyrometer_model::{CallCounts, CallProfile, Function, Span, UnixNanos};
use serde_json::{Map, Value, json};

pub use export::write;
pub use table::table;

/// Which timer was asked for, which one ran, and what the recorder itself costs in its units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimerReport {
    /// Name of the timer that was asked for.
    pub requested: String,
    /// Name of the timer that ran.
    pub used: String,
    /// How it was read.
    pub means: String,
    /// Why nothing better ran; empty when the best did.
    pub why: String,
    /// `nanoseconds` or `count`.
    pub unit: String,
    /// What was taken out per call: charged to the function called, and to its caller.
    pub call: (f64, f64),
    /// The same per resumption of a generator or coroutine.
    pub resume: (f64, f64),
    /// The same per call of a function in C.
    pub c_call: (f64, f64),
    /// How much the calibration varied, as a share.
    pub spread: f64,
}

/// What one thread did.
#[derive(Clone, Debug, Default)]
pub struct ThreadReport {
    /// Name of the thread.
    pub name: String,
    /// Process.
    pub pid: u32,
    /// OS thread id.
    pub os_thread_id: u32,
    /// Its calling-context tree.
    pub profile: CallProfile,
}

/// Events that needed care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Irregularities {
    /// Frames closed since their caller ended.
    pub closed: u64,
    /// Ends of frames that never began.
    pub unknown: u64,
    /// Calls folded into `(other)`.
    pub folded: u64,
}

/// What a call recorder found in one or more processes.
#[derive(Clone, Debug, Default)]
pub struct CallReport {
    /// Name of the program.
    pub title: String,
    /// When it was recorded.
    pub span: Span,
    /// How calls were seen.
    pub hooks: String,
    /// The timer.
    pub timer: TimerReport,
    /// Its threads.
    pub threads: Vec<ThreadReport>,
    /// What needed care.
    pub irregular: Irregularities,
}

/// Why bytes are not a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a report of calls: {0}")]
pub struct NotAReport(String);

impl CallReport {
    /// The threads' trees in one.
    #[must_use]
    pub fn merged(&self) -> CallProfile {
        let mut all = CallProfile::default();
        for thread in &self.threads {
            all.merge(&thread.profile, CallProfile::ROOT);
        }
        all
    }

    /// Adds another process of the same run. Its timer stands for both unless they differ.
    pub fn add(&mut self, other: Self) {
        if self.threads.is_empty() {
            let title = std::mem::take(&mut self.title);
            *self = other;
            if !title.is_empty() {
                self.title = title;
            }
            return;
        }
        self.span.start = self.span.start.min(other.span.start);
        self.span.end = self.span.end.max(other.span.end);
        if self.timer.means != other.timer.means {
            let note = format!("a process used {}", other.timer.means);
            let separator = if self.timer.why.is_empty() { "" } else { "; " };
            self.timer.why = format!("{}{separator}{note}", self.timer.why);
        }
        self.threads.extend(other.threads);
        self.irregular.closed += other.irregular.closed;
        self.irregular.unknown += other.irregular.unknown;
        self.irregular.folded += other.irregular.folded;
    }

    /// Full name of the kind of profile.
    #[must_use]
    pub fn profile_type(&self) -> String {
        let (kind, unit) = (&self.timer.used, &self.timer.unit);
        format!("calls:{kind}:{unit}:{kind}:{unit}")
    }

    /// The object for people and programs: one tree of all threads.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let merged = self.merged().sorted();
        let mut object = self.head();
        object.insert("total".into(), merged.totals()[0].into());
        object.insert("samples".into(), merged.total_calls().into());
        object.insert("gaps".into(), json!([]));
        let threads = self.threads.iter().map(|thread| {
            json!({
                "name": thread.name, "pid": thread.pid, "os_thread_id": thread.os_thread_id,
                "calls": thread.profile.total_calls(), "total": thread.profile.totals()[0],
            })
        });
        object.insert("threads".into(), threads.collect());
        tree_into(&mut object, &merged);
        Value::Object(object).to_string().into_bytes()
    }

    /// The object with a tree per thread, as processes of one run hand it over.
    #[must_use]
    pub fn to_parts(&self) -> Vec<u8> {
        let mut object = self.head();
        let threads = self.threads.iter().map(|thread| {
            let mut part = Map::new();
            part.insert("name".into(), thread.name.clone().into());
            part.insert("pid".into(), thread.pid.into());
            part.insert("os_thread_id".into(), thread.os_thread_id.into());
            tree_into(&mut part, &thread.profile);
            Value::Object(part)
        });
        object.insert("parts".into(), threads.collect());
        Value::Object(object).to_string().into_bytes()
    }

    fn head(&self) -> Map<String, Value> {
        let timer = &self.timer;
        let pair = |(inner, outer): (f64, f64)| json!({"callee": inner, "caller": outer});
        let head = json!({
            "title": self.title,
            "profile_type": self.profile_type(),
            "unit": timer.unit,
            "from": seconds(self.span.start),
            "until": seconds(self.span.end),
            "hooks": self.hooks,
            "timer": {
                "requested": timer.requested, "used": timer.used, "means": timer.means,
                "why": if timer.why.is_empty() { Value::Null } else { timer.why.clone().into() },
                "unit": timer.unit,
                "calibration_ns": timer.call.0 + timer.call.1,
                "calibration": {
                    "call": pair(timer.call), "resume": pair(timer.resume), "c_call": pair(timer.c_call),
                    "spread": timer.spread,
                },
            },
            "irregular": {
                "closed": self.irregular.closed, "unknown": self.irregular.unknown,
                "folded": self.irregular.folded,
            },
        });
        match head {
            Value::Object(head) => head,
            _ => Map::new(),
        }
    }

    /// Reads what [`Self::to_parts`] wrote.
    ///
    /// # Errors
    /// The bytes are something else; nothing is taken from them then.
    pub fn from_parts(bytes: &[u8]) -> Result<Self, NotAReport> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| NotAReport(error.to_string()))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let timer = &value["timer"];
        let calibration = &timer["calibration"];
        let pair = |name: &str| {
            let pair = &calibration[name];
            (
                pair["callee"].as_f64().unwrap_or(0.0),
                pair["caller"].as_f64().unwrap_or(0.0),
            )
        };
        let parts = value["parts"]
            .as_array()
            .ok_or_else(|| NotAReport("no parts".to_owned()))?;
        let threads = parts.iter().map(|part| {
            Ok(ThreadReport {
                name: text(&part["name"]),
                pid: number(&part["pid"]) as u32,
                os_thread_id: number(&part["os_thread_id"]) as u32,
                profile: tree_from(part)?,
            })
        });
        let irregular = &value["irregular"];
        Ok(Self {
            title: text(&value["title"]),
            span: Span {
                start: instant(&value["from"]),
                end: instant(&value["until"]),
            },
            hooks: text(&value["hooks"]),
            timer: TimerReport {
                requested: text(&timer["requested"]),
                used: text(&timer["used"]),
                means: text(&timer["means"]),
                why: text(&timer["why"]),
                unit: text(&timer["unit"]),
                call: pair("call"),
                resume: pair("resume"),
                c_call: pair("c_call"),
                spread: calibration["spread"].as_f64().unwrap_or(0.0),
            },
            threads: threads.collect::<Result<_, NotAReport>>()?,
            irregular: Irregularities {
                closed: number(&irregular["closed"]),
                unknown: number(&irregular["unknown"]),
                folded: number(&irregular["folded"]),
            },
        })
    }
}

fn seconds(instant: UnixNanos) -> f64 {
    instant.0 as f64 / 1e9
}

fn instant(value: &Value) -> UnixNanos {
    UnixNanos((value.as_f64().unwrap_or(0.0) * 1e9) as u64)
}

fn tree_into(object: &mut Map<String, Value>, profile: &CallProfile) {
    let functions = profile.functions().iter();
    let functions: Vec<Value> = functions
        .map(|function| json!({"name": function.name, "file": function.file, "line": function.line}))
        .collect();
    let column = |value: fn(&CallCounts) -> u64| -> Vec<u64> {
        profile.nodes().iter().map(|node| value(&node.counts)).collect()
    };
    let parents: Vec<i64> = profile
        .nodes()
        .iter()
        .map(|node| {
            if node.parent == NO_PARENT {
                -1
            } else {
                i64::from(node.parent)
            }
        })
        .collect();
    let numbers: Vec<u32> = profile.nodes().iter().map(|node| node.function.0).collect();
    object.insert("functions".into(), functions.into());
    object.insert(
        "nodes".into(),
        json!({
            "parent": parents,
            "function": numbers,
            "calls": column(|counts| counts.calls),
            "resumes": column(|counts| counts.resumes),
            "self": column(|counts| counts.self_value),
            "raw_self": column(|counts| counts.raw_self),
            "total": profile.totals(),
        }),
    );
}

fn tree_from(value: &Value) -> Result<CallProfile, NotAReport> {
    let bad = |what: &str| NotAReport(what.to_owned());
    let mut profile = CallProfile::default();
    let functions = value["functions"].as_array().ok_or_else(|| bad("no functions"))?;
    let functions: Vec<_> = functions
        .iter()
        .map(|function| {
            profile.function(&Function {
                name: function["name"].as_str().unwrap_or_default().to_owned(),
                file: function["file"].as_str().unwrap_or_default().to_owned(),
                line: function["line"].as_u64().unwrap_or(0) as u32,
            })
        })
        .collect();
    let nodes = &value["nodes"];
    let column = |name: &str| nodes[name].as_array().ok_or_else(|| bad(name));
    let (parent, function) = (column("parent")?, column("function")?);
    let (calls, resumes) = (column("calls")?, column("resumes")?);
    let (own, raw) = (column("self")?, column("raw_self")?);
    let mut places = Vec::with_capacity(parent.len());
    for index in 0..parent.len() {
        let number = |column: &[Value]| column.get(index).and_then(Value::as_u64);
        let place = if index == 0 {
            CallProfile::ROOT
        } else {
            let above = number(parent).and_then(|parent| places.get(parent as usize).copied());
            let function = number(function).and_then(|function| functions.get(function as usize).copied());
            let (Some(above), Some(function)) = (above, function) else {
                return Err(bad("a node without a parent before it or without a function"));
            };
            profile.child(above, function)
        };
        let count = |column: &[Value]| number(column).unwrap_or(0);
        profile.add(
            place,
            &CallCounts {
                calls: count(calls),
                resumes: count(resumes),
                self_value: count(own),
                raw_self: count(raw),
            },
        );
        places.push(place);
    }
    Ok(profile)
}

#[cfg(test)]
mod tests;
