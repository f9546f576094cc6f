//! The collector's targets, each with what is stored of it.

use super::Context;
use super::answers::{self, seconds};
use super::error::ApiError;
use super::params::Params;
use super::routes::Reply;
use crate::collector::Entry;

pub(super) fn workers(context: &Context, _: &Params) -> Result<Reply, ApiError> {
    let mut workers = Vec::new();
    for (target, entry) in context.collector.roster.list() {
        workers.push(worker(context, target, entry)?);
    }
    let stored: u64 = workers.iter().map(|worker| worker.windows).sum();
    let missed: u64 = workers.iter().map(|worker| worker.missed_windows).sum();
    let pause = context.collector.pause();
    Reply::json(&answers::Workers {
        collector: answers::CollectorState {
            state: if pause.is_some() { "paused" } else { "collecting" },
            reason: pause.as_ref().map(|pause| pause.reason.clone()),
            hint: pause.and_then(|pause| pause.hint),
        },
        collected: if stored + missed == 0 {
            1.0
        } else {
            stored as f64 / (stored + missed) as f64
        },
        workers,
    })
}

fn worker(context: &Context, target: String, entry: Entry) -> Result<answers::Worker, ApiError> {
    let known = entry.worker.as_ref();
    let stored = match known {
        Some(worker) => context.store.worker(&worker.incarnation)?,
        None => None,
    };
    let totals = stored.as_ref().map(|stored| stored.totals).unwrap_or_default();
    let share = entry
        .last
        .map(|(span, health)| health.agent_cpu_ns as f64 / span.nanos().max(1) as f64);
    let memory = entry.last.map(|(_, health)| health.agent_memory_bytes);
    let labels = known.into_iter().flat_map(|worker| worker.labels.iter());
    Ok(answers::Worker {
        id: known.map_or_else(|| target.clone(), |worker| worker.incarnation.0.clone()),
        target,
        state: entry.state.name(),
        error: entry.error,
        hint: entry.hint,
        service: known.map(|worker| worker.service.clone()),
        host: known.map(|worker| worker.host.clone()),
        pid: known.map(|worker| worker.pid),
        python: known.map(|worker| worker.python.clone()),
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        started: known.map(|worker| seconds(worker.started)),
        last_window: stored.as_ref().map(|stored| seconds(stored.last_window)),
        rate_hz: entry
            .last
            .map(|(_, health)| health.rate_hz)
            .or(known.map(|worker| worker.rate_hz)),
        windows: stored.as_ref().map_or(0, |stored| stored.windows),
        missed_windows: stored.as_ref().map_or(0, |stored| stored.missed),
        rejected_answers: entry.rejected,
        samples: totals.samples,
        wall_ns: totals.wall_ns,
        cpu_ns: totals.cpu_ns,
        agent_cpu_fraction: share,
        agent_memory_bytes: memory,
    })
}
