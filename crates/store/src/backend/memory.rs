//! Everything in memory, in the plainest form: what the conformance suite holds SQLite against, and
//! a store for a server that shall leave nothing on the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyrometer_model::{Incarnation, Labels, ProfileKind, ProfileType, Span, TreeBuilder, UnixNanos, Window};

use crate::block::Rows;
use crate::trie::{Trie, to_units};
use crate::{
    Appended, Day, FunctionTimeline, Gap, Profile, Query, Retention, Selector, SeriesTotals, Session, Steps,
    Store, StoreError, Timeline, Totals, WorkerTotals, answer,
};

/// A store that is gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tries: HashMap<String, Trie>,
    cursors: HashMap<Incarnation, u64>,
    windows: Vec<Stored>,
    gaps: Vec<(Gap, Labels)>,
}

/// One window: its worker, its time, and its rows by series.
#[derive(Debug)]
struct Stored {
    worker: pyrometer_model::Worker,
    span: Span,
    blocks: Vec<(Labels, ProfileKind, Rows)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Calls `each` with every selected block and its window.
    fn scan(&self, query: &Query, mut each: impl FnMut(&Stored, &Labels, ProfileKind, &Rows)) {
        for window in self
            .windows
            .iter()
            .filter(|window| query.span.contains(window.span.start))
        {
            for (labels, kind, rows) in &window.blocks {
                if query.selector.accepts(labels) {
                    each(window, labels, *kind, rows);
                }
            }
        }
    }

    /// The incarnations that have a selected series at any time.
    fn incarnations(&self, selector: &Selector) -> BTreeSet<Incarnation> {
        let query = Query {
            selector: selector.clone(),
            ..Query::all()
        };
        let mut found = BTreeSet::new();
        self.scan(&query, |window, _, _, _| {
            found.insert(window.worker.incarnation.clone());
        });
        found
    }
}

impl Store for MemoryStore {
    fn append(&self, session: &mut Session, windows: &[Window]) -> Result<Appended, StoreError> {
        /// The one place of this store, in the session's eyes.
        const PLACE: u64 = 0;
        let mut state = self.state();
        let state = &mut *state;
        let worker = session.worker().clone();
        let labels = session.series_labels(&Labels::new());
        let mut appended = Appended::default();
        for window in windows {
            let cursor = state.cursors.get(&worker.incarnation).copied().unwrap_or(0);
            if window.seq <= cursor {
                appended.already += 1;
                continue;
            }
            let trie = state.tries.entry(worker.service.clone()).or_default();
            let mut blocks = Vec::new();
            for block in &window.blocks {
                let stacks = block.stacks.iter().map(|&stack| {
                    let found = session.stack_in(PLACE, trie, window.generation, stack);
                    found.ok_or(StoreError::UnknownStack { seq: window.seq })
                });
                let stacks = stacks.collect::<Result<Vec<_>, _>>()?;
                let rows = Rows::new(&stacks, &block.columns);
                blocks.push((session.series_labels(&block.labels), block.kind, rows));
            }
            let missed = window.seq - cursor - 1;
            if missed > 0 {
                let before = state
                    .windows
                    .iter()
                    .filter(|one| one.worker.incarnation == worker.incarnation);
                let start = before.map(|one| one.span.end).max().unwrap_or(worker.started);
                let span = Span::new(start.min(window.span.start), window.span.start);
                let gap = Gap {
                    incarnation: worker.incarnation.clone(),
                    span,
                    missed,
                };
                state.gaps.push((gap, labels.clone()));
            }
            state.windows.push(Stored {
                worker: worker.clone(),
                span: window.span,
                blocks,
            });
            state.cursors.insert(worker.incarnation.clone(), window.seq);
            appended.new += 1;
            appended.missed += missed;
        }
        Ok(appended)
    }

    fn cursor(&self, incarnation: &Incarnation) -> u64 {
        self.state().cursors.get(incarnation).copied().unwrap_or(0)
    }

    fn worker(&self, incarnation: &Incarnation) -> Result<Option<WorkerTotals>, StoreError> {
        let state = self.state();
        let mut found: Option<WorkerTotals> = None;
        for window in state
            .windows
            .iter()
            .filter(|window| window.worker.incarnation == *incarnation)
        {
            let found = found.get_or_insert_with(|| WorkerTotals::new(window.worker.clone()));
            found.windows += 1;
            found.last_window = found.last_window.max(window.span.end);
            for (_, kind, rows) in &window.blocks {
                found.totals.add(Totals::of_columns(*kind, &rows.columns));
            }
        }
        if let Some(found) = &mut found {
            let gaps = state
                .gaps
                .iter()
                .filter(|(gap, _)| gap.incarnation == *incarnation);
            found.missed = gaps.map(|(gap, _)| gap.missed).sum();
        }
        Ok(found)
    }

    fn select(&self, query: &Query) -> Result<Vec<SeriesTotals>, StoreError> {
        let mut found: BTreeMap<Labels, Totals> = BTreeMap::new();
        self.state().scan(query, |_, labels, kind, rows| {
            let sum = found.entry(labels.clone()).or_default();
            sum.add(Totals::of_columns(kind, &rows.columns));
        });
        Ok(answer::series(found))
    }

    fn profile(&self, query: &Query, profile_type: ProfileType) -> Result<Profile, StoreError> {
        let state = self.state();
        let mut sums: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut series: BTreeMap<Labels, Totals> = BTreeMap::new();
        state.scan(query, |window, labels, kind, rows| {
            let totals = Totals::of_columns(kind, &rows.columns);
            series.entry(labels.clone()).or_default().add(totals);
            let sum = sums.entry(window.worker.service.clone()).or_default();
            if let Some(column) = kind.column_of(profile_type) {
                let values = rows.columns[column]
                    .iter()
                    .map(|&quanta| to_units(quanta, profile_type));
                pyrometer_model::tree::add_values(sum, rows.stacks.iter().copied().zip(values));
            }
        });
        let mut builder = TreeBuilder::new();
        for (service, values) in sums {
            let trie = &state.tries[&service];
            builder.add_stacks(&trie.functions, &trie.stacks, &values);
        }
        Ok(Profile {
            tree: builder.finish(),
            series: answer::series(series),
        })
    }

    fn timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        group_by: Option<&str>,
    ) -> Result<Timeline, StoreError> {
        let state = self.state();
        let mut timeline = Timeline::default();
        let mut groups: BTreeMap<Incarnation, BTreeSet<String>> = BTreeMap::new();
        let query = Query {
            selector: selector.clone(),
            span: steps.span(),
        };
        state.scan(&query, |window, labels, kind, rows| {
            let group = group_by.and_then(|name| labels.get(name)).unwrap_or("");
            groups
                .entry(window.worker.incarnation.clone())
                .or_default()
                .insert(group.to_owned());
            let value = Totals::of_columns(kind, &rows.columns).of(profile_type);
            timeline.add(group, steps, window.span.start, value);
        });
        for window in state
            .windows
            .iter()
            .filter(|window| query.span.contains(window.span.start))
        {
            for group in groups.get(&window.worker.incarnation).into_iter().flatten() {
                timeline.mark(group, steps, window.span);
            }
        }
        Ok(timeline)
    }

    fn function_timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        function: (&str, &str),
    ) -> Result<FunctionTimeline, StoreError> {
        let state = self.state();
        let (mut own, mut all) = (Timeline::default(), Timeline::default());
        let mut seen = BTreeSet::new();
        let query = Query {
            selector: selector.clone(),
            span: steps.span(),
        };
        state.scan(&query, |window, _, kind, rows| {
            seen.insert(window.worker.incarnation.clone());
            let marks = state.tries[&window.worker.service].marks(function);
            let Some(column) = kind.column_of(profile_type) else {
                return;
            };
            for (stack, &quanta) in rows.stacks.iter().zip(&rows.columns[column]) {
                let value = to_units(quanta, profile_type);
                if marks.is_leaf[stack.0 as usize] {
                    own.add("", steps, window.span.start, value);
                }
                if marks.is_inside[stack.0 as usize] {
                    all.add("", steps, window.span.start, value);
                }
            }
        });
        for window in state
            .windows
            .iter()
            .filter(|window| query.span.contains(window.span.start))
        {
            if seen.contains(&window.worker.incarnation) {
                own.mark("", steps, window.span);
                all.mark("", steps, window.span);
            }
        }
        let values = |mut timeline: Timeline| timeline.groups.remove("").unwrap_or(vec![None; steps.count]);
        Ok(FunctionTimeline {
            self_values: values(own),
            totals: values(all),
        })
    }

    fn gaps(&self, query: &Query) -> Result<Vec<Gap>, StoreError> {
        let state = self.state();
        let selected = state.incarnations(&query.selector);
        let wanted = |gap: &Gap, labels: &Labels| {
            gap.span.overlaps(query.span)
                && (query.selector.accepts(labels) || selected.contains(&gap.incarnation))
        };
        let mut gaps: Vec<Gap> = state
            .gaps
            .iter()
            .filter(|(gap, labels)| wanted(gap, labels))
            .map(|(gap, _)| gap.clone())
            .collect();
        gaps.sort_by_key(|gap| (gap.span.start, gap.span.end));
        Ok(gaps)
    }

    fn retain(&self, now: UnixNanos, retention: &Retention) -> Result<Vec<Day>, StoreError> {
        let mut state = self.state();
        let days: BTreeSet<Day> = state
            .windows
            .iter()
            .map(|window| Day::of(window.span.start))
            .collect();
        let expired: Vec<Day> = days
            .into_iter()
            .filter(|&day| retention.is_expired(day, now))
            .collect();
        state
            .windows
            .retain(|window| !expired.contains(&Day::of(window.span.start)));
        state
            .gaps
            .retain(|(gap, _)| !expired.contains(&Day::of(gap.span.end)));
        Ok(expired)
    }
}
