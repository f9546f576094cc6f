//! Shares of functions and threads, of the last [`RECENT`] and of all time.

use std::collections::VecDeque;
use std::time::Duration;

use pyrometer_agent::outside::Observations;
use pyrometer_formats::Values;
use pyrometer_model::{ProfileType, tree};

/// What "recent" means.
pub(super) const RECENT: Duration = Duration::from_secs(5);

/// Self and total of one function, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) self_ns: u64,
    pub(super) total_ns: u64,
}

/// One function.
#[derive(Clone, Debug, Default)]
pub(super) struct FunctionRow {
    pub(super) name: String,
    pub(super) place: String,
    /// By [`Measure`]: CPU, wall.
    pub(super) recent: [Cost; 2],
    pub(super) overall: [Cost; 2],
}

/// One thread.
#[derive(Clone, Debug)]
pub(super) struct ThreadRow {
    pub(super) title: String,
    pub(super) recent: Values,
    pub(super) overall: Values,
    pub(super) is_executing: bool,
    pub(super) has_ended: bool,
}

/// The observations at one instant.
#[derive(Debug, Default)]
struct Snapshot {
    elapsed: Duration,
    values: Vec<Values>,
    threads: Vec<Values>,
    samples: u64,
    gil_ns: u64,
}

/// Everything that is shown.
#[derive(Debug, Default)]
pub(super) struct Figures {
    history: VecDeque<Snapshot>,
    origin: Duration,
    pub(super) functions: Vec<FunctionRow>,
    pub(super) threads: Vec<ThreadRow>,
    pub(super) recent: Duration,
    pub(super) elapsed: Duration,
    pub(super) samples_per_second: f64,
    /// CPU of all threads in the last seconds; 1 is one core.
    pub(super) cpu_share: f64,
    /// Time in which a thread held the GIL, of the last seconds.
    pub(super) gil_share: f64,
    pub(super) errors: u64,
}

/// Both kinds of time, in the order of the pairs above.
const MEASURES: [ProfileType; 2] = [ProfileType::Cpu, ProfileType::Wall];

impl Figures {
    /// Nothing yet; counting begins `origin` after the start of the session.
    pub(super) fn since(origin: Duration) -> Self {
        let empty = Snapshot {
            elapsed: origin,
            ..Snapshot::default()
        };
        Self {
            history: VecDeque::from([empty]),
            origin,
            ..Self::default()
        }
    }

    /// Computes all anew.
    pub(super) fn take(&mut self, observations: &Observations) {
        // Not the time of now: CPU that is not settled yet would be missing.
        let elapsed = Duration::from_nanos(observations.settled_ns);
        let recording = observations.recording();
        let now = Snapshot {
            elapsed,
            values: recording.values.clone(),
            threads: observations
                .threads()
                .iter()
                .map(|thread| thread.values)
                .collect(),
            samples: observations.counters.samples,
            gil_ns: observations.counters.gil_ns,
        };
        while self.history.len() > 1 && elapsed.saturating_sub(self.history[1].elapsed) >= RECENT {
            self.history.pop_front();
        }
        let before = self.history.front();
        let since = |now: &[Values], before: Option<&[Values]>| -> Vec<Values> {
            let before = before.unwrap_or_default();
            now.iter()
                .enumerate()
                .map(|(index, now)| difference(*now, before.get(index).copied().unwrap_or_default()))
                .collect()
        };
        let recent_values = since(&now.values, before.map(|before| before.values.as_slice()));
        let recent_threads = since(&now.threads, before.map(|before| before.threads.as_slice()));
        self.recent = elapsed.saturating_sub(before.map_or(Duration::ZERO, |before| before.elapsed));
        let seconds = self.recent.as_secs_f64().max(0.001);
        self.samples_per_second =
            (now.samples - before.map_or(0, |before| before.samples).min(now.samples)) as f64 / seconds;
        let cpu_ns: u64 = recent_values.iter().map(|values| values.cpu_ns).sum();
        self.cpu_share = cpu_ns as f64 / 1e9 / seconds;
        let gil_ns = now
            .gil_ns
            .saturating_sub(before.map_or(0, |before| before.gil_ns));
        self.gil_share = gil_ns as f64 / 1e9 / seconds;
        self.errors = observations.counters.torn;
        self.elapsed = elapsed.saturating_sub(self.origin);

        let functions = recording.functions.as_slice();
        let mut rows: Vec<FunctionRow> = functions
            .iter()
            .map(|function| FunctionRow {
                name: function.name.clone(),
                place: if function.file.is_empty() {
                    String::new()
                } else {
                    format!("{}:{}", function.file, function.line)
                },
                ..FunctionRow::default()
            })
            .collect();
        for (measure, kind) in MEASURES.into_iter().enumerate() {
            for (values, which) in [(&recent_values, 0), (&now.values, 1)] {
                let values: Vec<u64> = values.iter().map(|values| values.of(kind)).collect();
                let tree = tree::tree_of(&recording.functions, &recording.stacks, &values);
                for (function, cost) in tree.functions.iter().zip(tree.by_function()) {
                    let Some(id) = recording.functions.find(function) else {
                        continue;
                    };
                    let row = &mut rows[id.0 as usize];
                    let place = if which == 0 {
                        &mut row.recent
                    } else {
                        &mut row.overall
                    };
                    place[measure] = Cost {
                        self_ns: cost.self_value,
                        total_ns: cost.total,
                    };
                }
            }
        }
        rows.retain(|row| row.overall.iter().any(|cost| cost.total_ns > 0));
        self.functions = rows;
        let threads = observations
            .threads()
            .iter()
            .zip(&recording.threads)
            .zip(recent_threads);
        self.threads = threads
            .map(|((thread, identity), recent)| ThreadRow {
                title: identity.title(),
                recent,
                overall: thread.values,
                is_executing: thread.is_executing,
                has_ended: thread.has_ended,
            })
            .collect();
        self.history.push_back(now);
    }
}

/// What came between; 0 where a reset made it smaller.
fn difference(now: Values, before: Values) -> Values {
    Values {
        samples: now.samples.saturating_sub(before.samples),
        wall_ns: now.wall_ns.saturating_sub(before.wall_ns),
        cpu_ns: now.cpu_ns.saturating_sub(before.cpu_ns),
        wait_ns: now.wait_ns.saturating_sub(before.wait_ns),
    }
}
