//! What is known of each worker, as `/api/v1/workers` shows it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyrometer_model::{Span, WindowHealth, Worker};

use super::ingest::{Delivered, IngestError};
use crate::Target;
use crate::server::now;

/// A worker that ended is shown for this long.
const EXITED_AGE: Duration = Duration::from_secs(600);

/// An endpoint that answers without a new window for this long is silent: three windows.
const SILENT_NS: u64 = 30_000_000_000;

/// How a target does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not asked yet.
    Pending,
    /// Answers, and has new windows.
    Up,
    /// Answers, and has had no new window for 30 seconds.
    Silent,
    /// Does not answer.
    Unreachable,
    /// Answers what no worker would.
    Invalid,
    /// Ended.
    Exited,
}

impl State {
    /// The word in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Up => "up",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::Exited => "exited",
        }
    }
}

/// One target.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) state: State,
    pub(crate) error: Option<String>,
    pub(crate) hint: Option<String>,
    /// Who answered there last.
    pub(crate) worker: Option<Worker>,
    /// Its last window.
    pub(crate) last: Option<(Span, WindowHealth)>,
    /// Answers that were dropped whole.
    pub(crate) rejected: u64,
    exited: Option<Instant>,
}

impl Entry {
    fn new(state: State) -> Self {
        Self {
            state,
            error: None,
            hint: None,
            worker: None,
            last: None,
            rejected: 0,
            exited: None,
        }
    }
}

/// All targets by their address.
#[derive(Debug, Default)]
pub(crate) struct Roster(Mutex<BTreeMap<String, Entry>>);

impl Roster {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every target with its state at this moment.
    pub(crate) fn list(&self) -> Vec<(String, Entry)> {
        let now = now().0;
        let mut list: Vec<_> = self
            .entries()
            .iter()
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        for (_, entry) in &mut list {
            let quiet = |(span, _): &(Span, WindowHealth)| span.end.0.saturating_add(SILENT_NS) < now;
            let started = entry
                .worker
                .as_ref()
                .map(|worker| worker.started.0.saturating_add(SILENT_NS) < now);
            if entry.state == State::Up && entry.last.as_ref().map(quiet).or(started).unwrap_or(false) {
                entry.state = State::Silent;
                entry.hint = Some("the process is stopped, or its agent was switched off".to_owned());
            }
        }
        list
    }

    /// A target will be polled.
    pub(super) fn expect(&self, target: &Target) {
        self.entries()
            .insert(target.to_string(), Entry::new(State::Pending));
    }

    pub(super) fn delivered(&self, target: &Target, delivered: Delivered) {
        self.update(target, |entry| entry.take(delivered, State::Up));
    }

    pub(super) fn rejected(&self, target: &Target) {
        self.update(target, |entry| entry.rejected += 1);
    }

    pub(super) fn failed(&self, target: &Target, error: &IngestError) {
        self.update(target, |entry| {
            let state = if error.is_invalid() {
                State::Invalid
            } else {
                State::Unreachable
            };
            if entry.state != state {
                tracing::warn!(%target, %error, state = state.name(), "a target cannot be collected");
            }
            entry.state = state;
            entry.rejected += u64::from(error.is_invalid());
            entry.error = Some(error.to_string());
            entry.hint = error.hint().map(str::to_owned);
        });
    }

    /// A worker ended. One that never said who it was is forgotten.
    pub(super) fn exited(&self, target: &Target) {
        let mut entries = self.entries();
        match entries.get_mut(&target.to_string()) {
            Some(entry) if entry.worker.is_some() => entry.exit(),
            _ => {
                entries.remove(&target.to_string());
            }
        }
    }

    /// A spool file was read: its worker ended, known before or not.
    pub(super) fn spooled(&self, path: &Path, delivered: Delivered) {
        let mut entries = self.entries();
        let same = |entry: &Entry| {
            let worker = entry.worker.as_ref();
            worker.is_some_and(|worker| worker.incarnation == delivered.worker.incarnation)
        };
        let key = entries
            .iter()
            .find(|(_, entry)| same(entry))
            .map(|(key, _)| key.clone());
        let key = key.unwrap_or_else(|| format!("spool:{}", path.display()));
        let entry = entries.entry(key).or_insert_with(|| Entry::new(State::Exited));
        entry.take(delivered, State::Exited);
        entry.exit();
    }

    /// Drops workers that ended long ago.
    pub(super) fn forget_old(&self) {
        self.entries()
            .retain(|_, entry| entry.exited.is_none_or(|exited| exited.elapsed() < EXITED_AGE));
    }

    fn update(&self, target: &Target, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries().get_mut(&target.to_string()) {
            change(entry);
        }
    }
}

impl Entry {
    fn take(&mut self, delivered: Delivered, state: State) {
        if self
            .worker
            .as_ref()
            .is_some_and(|worker| worker.incarnation != delivered.worker.incarnation)
        {
            self.last = None;
        }
        self.worker = Some(delivered.worker);
        self.last = delivered.last.or(self.last);
        self.state = state;
        self.error = None;
        self.hint = None;
    }

    fn exit(&mut self) {
        self.state = State::Exited;
        self.error = None;
        self.hint = None;
        self.exited.get_or_insert_with(Instant::now);
    }
}
