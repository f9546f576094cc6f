//! A report of calls in the formats of other tools, which hold one tree without numbers of calls, or name
//! them samples.

use pyrometer_model::tree::NO_PARENT;
use pyrometer_model::{ProfileType, StackId};

use super::CallReport;
use crate::{Format, Recording};

/// Writes a report. `json` says everything; pprof has calls as samples, beside the timer's value.
#[must_use]
pub fn write(report: &CallReport, format: Format) -> Vec<u8> {
    if format == Format::Json {
        return report.to_json();
    }
    let profile_type = match report.timer.used.as_str() {
        "cpu" => ProfileType::Cpu,
        "wall" => ProfileType::Wall,
        _ => ProfileType::Samples,
    };
    format.write(&recording(report, profile_type), profile_type)
}

fn recording(report: &CallReport, profile_type: ProfileType) -> Recording {
    let merged = report.merged().sorted();
    let mut recording = Recording {
        title: report.title.clone(),
        span: report.span,
        period_ns: 1,
        ..Recording::default()
    };
    let mut stacks = vec![StackId::ROOT; merged.nodes().len()];
    for (index, node) in merged.nodes().iter().enumerate() {
        if node.parent != NO_PARENT {
            let function = &merged.functions()[node.function.0 as usize];
            stacks[index] = recording.stack(stacks[node.parent as usize], function, function.line);
        }
        recording.add(stacks[index], profile_type, node.counts.self_value);
        if profile_type != ProfileType::Samples {
            recording.add(stacks[index], ProfileType::Samples, node.counts.calls);
        }
    }
    recording
}
