//! Questions over several days: each day answers for itself, and the answers are added up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use pyrometer_model::{Incarnation, Labels, ProfileType, Span, TreeBuilder, UnixNanos, Window};

use super::reader::{DayReader, Series, Snapshot};
use super::{SharedTrie, SqliteStore, locked};
use crate::block::BlockReader;
use crate::trie::to_units;
use crate::{
    Appended, Day, FunctionTimeline, Gap, Profile, Query, Retention, Selector, SeriesTotals, Session, Steps,
    Store, StoreError, Timeline, Totals, WorkerTotals, answer,
};

impl SqliteStore {
    /// Readers of the days that windows starting in `span` rest in.
    fn readers_of(&self, span: Span) -> Result<Vec<Arc<DayReader>>, StoreError> {
        if span.end <= span.start {
            return Ok(Vec::new());
        }
        let (first, last) = (Day::of(span.start), Day::of(UnixNanos(span.end.0 - 1)));
        let days = self
            .days()?
            .into_iter()
            .filter(|day| (first..=last).contains(day));
        days.map(|day| self.reader(day)).collect()
    }

    /// A service's functions and stacks, at least as far as the snapshot reaches.
    fn trie(
        &self,
        snapshot: &Snapshot<'_>,
        reader: &DayReader,
        service: i64,
    ) -> Result<SharedTrie, StoreError> {
        let trie = {
            let mut tries = locked(&self.tries);
            let make = || Ok::<_, StoreError>(Arc::default());
            Arc::clone(tries.get_or_try_insert((reader.id, service), make)?)
        };
        snapshot.top_up_trie(service, &trie)?;
        Ok(trie)
    }
}

/// The selected series of a snapshot, service by service.
fn selected<'a>(snapshot: &'a Snapshot<'_>, selector: &Selector) -> BTreeMap<i64, Vec<&'a Series>> {
    let mut found: BTreeMap<i64, Vec<&Series>> = BTreeMap::new();
    for series in snapshot
        .series
        .iter()
        .filter(|series| selector.accepts(&series.labels))
    {
        found.entry(series.service).or_default().push(series);
    }
    found
}

/// Adds the sums of a series, if it has a window in the span.
fn add_series(
    snapshot: &Snapshot<'_>,
    series: &Series,
    span: Span,
    found: &mut BTreeMap<Labels, Totals>,
) -> Result<(), StoreError> {
    let mut sum: Option<Totals> = None;
    snapshot.totals(series.id, span, |_, totals| {
        sum.get_or_insert_default().add(totals)
    })?;
    if let Some(sum) = sum {
        found.entry(series.labels.clone()).or_default().add(sum);
    }
    Ok(())
}

fn block_reader() -> Result<BlockReader, StoreError> {
    BlockReader::new().map_err(|source| StoreError::Io {
        path: "zstd".into(),
        source,
    })
}

impl Store for SqliteStore {
    fn append(&self, session: &mut Session, windows: &[Window]) -> Result<Appended, StoreError> {
        self.append_windows(session, windows)
    }

    fn cursor(&self, incarnation: &Incarnation) -> u64 {
        self.known(incarnation).cursor
    }

    fn worker(&self, incarnation: &Incarnation) -> Result<Option<WorkerTotals>, StoreError> {
        let mut sum: Option<WorkerTotals> = None;
        for day in self.known(incarnation).days {
            if let Some(found) = self.reader(day)?.snapshot()?.worker(&incarnation.0)? {
                match &mut sum {
                    Some(sum) => sum.add(&found),
                    None => sum = Some(found),
                }
            }
        }
        Ok(sum)
    }

    fn select(&self, query: &Query) -> Result<Vec<SeriesTotals>, StoreError> {
        let mut found: BTreeMap<Labels, Totals> = BTreeMap::new();
        for reader in self.readers_of(query.span)? {
            let snapshot = reader.snapshot()?;
            for series in selected(&snapshot, &query.selector).into_values().flatten() {
                add_series(&snapshot, series, query.span, &mut found)?;
            }
        }
        Ok(answer::series(found))
    }

    fn profile(&self, query: &Query, profile_type: ProfileType) -> Result<Profile, StoreError> {
        let mut builder = TreeBuilder::new();
        let mut found: BTreeMap<Labels, Totals> = BTreeMap::new();
        let mut blocks = block_reader()?;
        let mut sums: Vec<u64> = Vec::new();
        for reader in self.readers_of(query.span)? {
            let snapshot = reader.snapshot()?;
            for (service, series) in selected(&snapshot, &query.selector) {
                let trie = self.trie(&snapshot, &reader, service)?;
                let trie = trie.read().unwrap_or_else(PoisonError::into_inner);
                sums.clear();
                sums.resize(trie.stacks.len(), 0);
                let mut stray = false;
                for one in series {
                    add_series(&snapshot, one, query.span, &mut found)?;
                    let Some(column) = one.kind.column_of(profile_type) else {
                        continue;
                    };
                    snapshot.values(one, query.span, column, &mut blocks, |_, stack, value| match sums
                        .get_mut(stack.0 as usize)
                    {
                        Some(sum) => *sum = sum.saturating_add(value),
                        None => stray = true,
                    })?;
                }
                if stray {
                    return Err(snapshot.damaged("a block of values"));
                }
                sums.iter_mut()
                    .for_each(|sum| *sum = to_units(*sum, profile_type));
                builder.add_stacks(&trie.functions, &trie.stacks, &sums);
            }
        }
        Ok(Profile {
            tree: builder.finish(),
            series: answer::series(found),
        })
    }

    fn timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        group_by: Option<&str>,
    ) -> Result<Timeline, StoreError> {
        let span = steps.span();
        let mut timeline = Timeline::default();
        let mut groups: HashMap<String, BTreeSet<String>> = HashMap::new();
        for reader in self.readers_of(span)? {
            let snapshot = reader.snapshot()?;
            for series in selected(&snapshot, selector).into_values().flatten() {
                let group = group_by.and_then(|name| series.labels.get(name)).unwrap_or("");
                let mut seen = false;
                snapshot.totals(series.id, span, |start, totals| {
                    seen = true;
                    timeline.add(group, steps, start, totals.of(profile_type));
                })?;
                if seen {
                    let incarnation = series.labels.get("incarnation").unwrap_or("");
                    groups
                        .entry(incarnation.to_owned())
                        .or_default()
                        .insert(group.to_owned());
                }
            }
        }
        self.mark(&mut timeline, steps, &groups)?;
        Ok(timeline)
    }

    fn function_timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        function: (&str, &str),
    ) -> Result<FunctionTimeline, StoreError> {
        let span = steps.span();
        let (mut own, mut all) = (Timeline::default(), Timeline::default());
        let mut groups: HashMap<String, BTreeSet<String>> = HashMap::new();
        let mut blocks = block_reader()?;
        for reader in self.readers_of(span)? {
            let snapshot = reader.snapshot()?;
            for (service, series) in selected(&snapshot, selector) {
                let trie = self.trie(&snapshot, &reader, service)?;
                let marks = trie
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .marks(function);
                let has = |marks: &[bool], stack: usize| marks.get(stack).copied().unwrap_or(false);
                for one in series {
                    let Some(column) = one.kind.column_of(profile_type) else {
                        continue;
                    };
                    let seen = snapshot.values(one, span, column, &mut blocks, |start, stack, quanta| {
                        let value = to_units(quanta, profile_type);
                        if has(&marks.is_leaf, stack.0 as usize) {
                            own.add("", steps, start, value);
                        }
                        if has(&marks.is_inside, stack.0 as usize) {
                            all.add("", steps, start, value);
                        }
                    })?;
                    if seen {
                        let incarnation = one.labels.get("incarnation").unwrap_or("").to_owned();
                        groups.entry(incarnation).or_default().insert(String::new());
                    }
                }
            }
        }
        self.mark(&mut own, steps, &groups)?;
        self.mark(&mut all, steps, &groups)?;
        let values = |mut timeline: Timeline| timeline.groups.remove("").unwrap_or(vec![None; steps.count]);
        Ok(FunctionTimeline {
            self_values: values(own),
            totals: values(all),
        })
    }

    fn gaps(&self, query: &Query) -> Result<Vec<Gap>, StoreError> {
        // A gap rests with the window that followed it: that may be days after the asked interval.
        let span = Span::new(query.span.start, Span::ALL.end);
        let mut gaps = Vec::new();
        for reader in self.readers_of(span)? {
            let snapshot = reader.snapshot()?;
            let found = snapshot.gaps(query.span)?;
            if found.is_empty() {
                continue;
            }
            let selected: BTreeSet<i64> = selected(&snapshot, &query.selector)
                .into_values()
                .flatten()
                .map(|one| one.incarnation)
                .collect();
            let wanted = found
                .into_iter()
                .filter(|(_, id, labels)| query.selector.accepts(labels) || selected.contains(id));
            gaps.extend(wanted.map(|(gap, ..)| gap));
        }
        gaps.sort_by_key(|gap| (gap.span.start, gap.span.end));
        Ok(gaps)
    }

    fn retain(&self, now: UnixNanos, retention: &Retention) -> Result<Vec<Day>, StoreError> {
        self.delete_expired(now, retention)
    }
}

impl SqliteStore {
    /// Writes 0 where a worker of a group was there and had nothing to say.
    fn mark(
        &self,
        timeline: &mut Timeline,
        steps: Steps,
        groups: &HashMap<String, BTreeSet<String>>,
    ) -> Result<(), StoreError> {
        for reader in self.readers_of(steps.span())? {
            let snapshot = reader.snapshot()?;
            for (id, name) in snapshot.incarnations()? {
                if let Some(groups) = groups.get(&name) {
                    snapshot.windows(id, steps.span(), |window| {
                        groups
                            .iter()
                            .for_each(|group| timeline.mark(group, steps, window));
                    })?;
                }
            }
        }
        Ok(())
    }
}
