//! What queries answer, and what follows from the sums of series: services, labels, label values.

use std::collections::{BTreeMap, BTreeSet};

use pyrometer_model::{CallTree, Incarnation, Labels, ProfileKind, ProfileType, Span, UnixNanos, Worker};

/// What became of appended windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Windows that are stored now and were not before.
    pub new: u64,
    /// Windows that had been stored before.
    pub already: u64,
    /// Windows that were found missing.
    pub missed: u64,
}

/// Sums over the sampler's columns, in their units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of samples.
    pub samples: u64,
    /// Wall time, nanoseconds.
    pub wall_ns: u64,
    /// CPU time, nanoseconds.
    pub cpu_ns: u64,
    /// Wall time of suspended tasks, nanoseconds. Kept per window, not per worker.
    pub wait_ns: u64,
}

impl Totals {
    /// The sum for one profile type.
    #[must_use]
    pub fn of(&self, profile_type: ProfileType) -> u64 {
        match profile_type {
            ProfileType::Samples => self.samples,
            ProfileType::Wall => self.wall_ns,
            ProfileType::Cpu => self.cpu_ns,
            ProfileType::Wait => self.wait_ns,
        }
    }

    /// Adds another sum.
    pub fn add(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.wall_ns = self.wall_ns.saturating_add(other.wall_ns);
        self.cpu_ns = self.cpu_ns.saturating_add(other.cpu_ns);
        self.wait_ns = self.wait_ns.saturating_add(other.wait_ns);
    }

    /// The sums of a block's columns.
    pub(crate) fn of_columns(kind: ProfileKind, columns: &[Vec<u64>]) -> Self {
        let sum = |profile_type| {
            let position = kind.column_of(profile_type)?;
            let quanta = columns[position]
                .iter()
                .fold(0_u64, |sum, &value| sum.saturating_add(value));
            Some(quanta.saturating_mul(kind.columns()[position].quantum))
        };
        Self {
            samples: sum(ProfileType::Samples).unwrap_or(0),
            wall_ns: sum(ProfileType::Wall).unwrap_or(0),
            cpu_ns: sum(ProfileType::Cpu).unwrap_or(0),
            wait_ns: sum(ProfileType::Wait).unwrap_or(0),
        }
    }
}

/// One series and its sums over the asked interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesTotals {
    /// All labels; `service`, `host`, `pid`, `python` and `incarnation` are always among them.
    pub labels: Labels,
    /// Sums.
    pub totals: Totals,
}

/// Everything selected as one tree, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Values of the profile type asked for.
    pub tree: CallTree,
    /// The series in it; their sums fit the tree even while new windows arrive.
    pub series: Vec<SeriesTotals>,
}

/// Windows of one worker that nobody can have any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Whose windows.
    pub incarnation: Incarnation,
    /// From the end of the last window before to the start of the first one after.
    pub span: Span,
    /// How many.
    pub missed: u64,
}

/// What is stored of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerTotals {
    /// Who it is.
    pub worker: Worker,
    /// Windows that are stored.
    pub windows: u64,
    /// Windows that are known to be missing.
    pub missed: u64,
    /// End of the last stored window.
    pub last_window: UnixNanos,
    /// Sums.
    pub totals: Totals,
}

impl WorkerTotals {
    pub(crate) fn new(worker: Worker) -> Self {
        Self {
            worker,
            windows: 0,
            missed: 0,
            last_window: UnixNanos(0),
            totals: Totals::default(),
        }
    }

    /// Adds what another day holds of the same incarnation.
    pub(crate) fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.missed += other.missed;
        self.last_window = self.last_window.max(other.last_window);
        self.totals.add(other.totals);
    }
}

/// Equal steps that a timeline is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Start of the first step.
    pub from: UnixNanos,
    /// Length of a step, at least 1.
    pub step_ns: u64,
    /// Number of steps.
    pub count: usize,
}

impl Steps {
    /// The whole interval.
    #[must_use]
    pub fn span(&self) -> Span {
        let length = self.step_ns.saturating_mul(self.count as u64);
        Span::new(self.from, UnixNanos(self.from.0.saturating_add(length)))
    }

    /// The step that holds `instant`.
    #[must_use]
    pub fn index(&self, instant: UnixNanos) -> Option<usize> {
        let index = instant.0.checked_sub(self.from.0)? / self.step_ns;
        usize::try_from(index).ok().filter(|&index| index < self.count)
    }

    /// The steps that share an instant with `span`.
    pub(crate) fn indices(&self, span: Span) -> std::ops::Range<usize> {
        let start = span.start.0.saturating_sub(self.from.0) / self.step_ns;
        let end = span.end.0.saturating_sub(self.from.0).div_ceil(self.step_ns);
        let bound = |index: u64| index.min(self.count as u64) as usize;
        bound(start)..bound(end).max(bound(start))
    }
}

/// Sums per step for several groups of series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Each group's value of the label asked for (empty where it lacks it, and where no label was
    /// asked for), and its sums: `None` where no worker of the group delivered a window.
    pub groups: BTreeMap<String, Vec<Option<u64>>>,
}

impl Timeline {
    pub(crate) fn add(&mut self, group: &str, steps: Steps, start: UnixNanos, value: u64) {
        if let Some(index) = steps.index(start) {
            let place = self.group(group, steps)[index].get_or_insert(0);
            *place = place.saturating_add(value);
        }
    }

    pub(crate) fn mark(&mut self, group: &str, steps: Steps, window: Span) {
        for value in &mut self.group(group, steps)[steps.indices(window)] {
            value.get_or_insert(0);
        }
    }

    fn group(&mut self, group: &str, steps: Steps) -> &mut Vec<Option<u64>> {
        if !self.groups.contains_key(group) {
            self.groups.insert(group.to_owned(), vec![None; steps.count]);
        }
        self.groups.get_mut(group).expect("inserted above")
    }
}

/// One function over time; `None` where no worker delivered a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionTimeline {
    /// In the function itself.
    pub self_values: Vec<Option<u64>>,
    /// In it and everything it called.
    pub totals: Vec<Option<u64>>,
}

/// Series from sums by labels.
pub(crate) fn series(sums: BTreeMap<Labels, Totals>) -> Vec<SeriesTotals> {
    sums.into_iter()
        .map(|(labels, totals)| SeriesTotals { labels, totals })
        .collect()
}

/// One service over the asked interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTotals {
    /// Its name.
    pub name: String,
    /// Incarnations that delivered something.
    pub workers: usize,
    /// Sums.
    pub totals: Totals,
}

/// Sums per service, the most CPU time first.
#[must_use]
pub fn services(series: &[SeriesTotals]) -> Vec<ServiceTotals> {
    let mut found: BTreeMap<&str, (BTreeSet<&str>, Totals)> = BTreeMap::new();
    for one in series {
        let (workers, totals) = found.entry(one.labels.get("service").unwrap_or("")).or_default();
        workers.extend(one.labels.get("incarnation"));
        totals.add(one.totals);
    }
    let mut services: Vec<_> = found
        .into_iter()
        .map(|(name, (workers, totals))| ServiceTotals {
            name: name.to_owned(),
            workers: workers.len(),
            totals,
        })
        .collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.totals.cpu_ns));
    services
}

/// Names of all labels, in order.
#[must_use]
pub fn label_names(series: &[SeriesTotals]) -> Vec<String> {
    let names: BTreeSet<&str> = series
        .iter()
        .flat_map(|one| one.labels.iter().map(|(name, _)| name))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Values of one label with the sum of their series, the largest first. Series without it are left out.
#[must_use]
pub fn label_values(series: &[SeriesTotals], name: &str, profile_type: ProfileType) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for one in series {
        if let Some(value) = one.labels.get(name) {
            let sum = sums.entry(value).or_default();
            *sum = sum.saturating_add(one.totals.of(profile_type));
        }
    }
    let mut values: Vec<_> = sums
        .into_iter()
        .map(|(value, sum)| (value.to_owned(), sum))
        .collect();
    values.sort_by_key(|&(_, sum)| std::cmp::Reverse(sum));
    values
}

/// How many different values a label has.
#[must_use]
pub fn count_distinct(series: &[SeriesTotals], name: &str) -> usize {
    series
        .iter()
        .filter_map(|one| one.labels.get(name))
        .collect::<BTreeSet<_>>()
        .len()
}
