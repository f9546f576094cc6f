//! Durable, ordered home of windows, and the questions that it answers.
//!
//! | module | holds |
//! |---|---|
//! | [`Store`] (this file) | the promise that every backend keeps |
//! | [`session`] | one worker's tables on their way in, and the check that windows fit them |
//! | [`selector`] | which series are meant: `{service="shop", host=~"web-.*"}` |
//! | [`answer`] | what queries answer, and what follows from it: services, labels, label values |
//! | [`backend`] | SQLite (the default) and memory (the plain reference) |
//!
//! `tests/it/conformance.rs` is the suite that every backend passes.
//!
//! # Time
//! A window belongs to a query when its *start* lies in the asked interval `[from, until)`: so
//! adjacent intervals add up exactly, and no value is ever split or counted twice.
//!
//! # Places left for what comes later
//! Rollups and a function history index are further tables in the same day file, written in the
//! same transaction as the windows they summarise; `backend/sqlite/schema.rs` numbers schemas and
//! migrates a file when it is first opened. A backend beyond one machine implements [`Store`].
#![forbid(unsafe_code)]

pub mod answer;
pub mod backend;
mod block;
mod bytes;
mod day;
mod error;
pub mod selector;
pub mod session;
mod trie;

use pyrometer_model::{Incarnation, ProfileType, Span, UnixNanos, Window};

pub use answer::{
    Appended, FunctionTimeline, Gap, Profile, SeriesTotals, Steps, Timeline, Totals, WorkerTotals,
};
pub use backend::memory::MemoryStore;
pub use backend::sqlite::SqliteStore;
pub use day::Day;
pub use error::StoreError;
pub use selector::{Selector, SelectorError};
pub use session::{Misfit, Session};

/// Which windows are asked for: those of selected series that start inside the span.
#[derive(Clone, Debug)]
pub struct Query {
    /// Labels that a series must have.
    pub selector: Selector,
    /// Interval in which a window must start.
    pub span: Span,
}

impl Query {
    /// Everything that is stored.
    #[must_use]
    pub fn all() -> Self {
        Self {
            selector: Selector::all(),
            span: Span::ALL,
        }
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Whole days older than this are deleted.
    pub max_age_days: Option<u32>,
    /// The oldest days are deleted until this many bytes are left; the newest day always stays.
    pub max_bytes: Option<u64>,
}

impl Retention {
    /// Whether `day` ended more than the bound of age before `now`.
    #[must_use]
    pub fn is_expired(&self, day: Day, now: UnixNanos) -> bool {
        self.max_age_days
            .is_some_and(|days| u64::from(day.0) + u64::from(days) < u64::from(Day::of(now).0))
    }
}

/// Durable, ordered home of windows.
///
/// `append` is idempotent per (incarnation, seq): after a crash or a lost answer the collector sends
/// the same windows again, and those that are stored already are skipped. When it returns `Ok`, the
/// windows survive power loss and are visible to the next query. When it returns an error, a prefix
/// of the windows may be stored, never a part of one, and [`Store::cursor`] says how many.
pub trait Store: Send + Sync {
    /// Stores windows in the order of their numbers. Numbers that were left out since the last
    /// stored window are recorded as a gap.
    ///
    /// # Errors
    /// [`StoreError::UnknownStack`] if the windows were not checked by [`Session::accept`];
    /// otherwise what the disk says.
    fn append(&self, session: &mut Session, windows: &[Window]) -> Result<Appended, StoreError>;

    /// Number of the last stored window of this incarnation, 0 when there is none.
    fn cursor(&self, incarnation: &Incarnation) -> u64;

    /// What is stored of one incarnation, over all days. `None` for one that was never seen.
    ///
    /// # Errors
    /// What the disk says.
    fn worker(&self, incarnation: &Incarnation) -> Result<Option<WorkerTotals>, StoreError>;

    /// Selected series with something in the span, and their sums.
    ///
    /// # Errors
    /// What the disk says; so for all that follow.
    fn select(&self, query: &Query) -> Result<Vec<SeriesTotals>, StoreError>;

    /// The calling-context tree of everything selected, in the unit of the profile type, and the
    /// sums of the series that went into it.
    ///
    /// # Errors
    /// See [`Store::select`].
    fn profile(&self, query: &Query, profile_type: ProfileType) -> Result<Profile, StoreError>;

    /// Sums per step and group; `group_by` names a label, `None` makes one group of all.
    ///
    /// # Errors
    /// See [`Store::select`].
    fn timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        group_by: Option<&str>,
    ) -> Result<Timeline, StoreError>;

    /// Self and total of one function per step. The function is named by name and file.
    ///
    /// # Errors
    /// See [`Store::select`].
    fn function_timeline(
        &self,
        selector: &Selector,
        profile_type: ProfileType,
        steps: Steps,
        function: (&str, &str),
    ) -> Result<FunctionTimeline, StoreError>;

    /// Windows that are known to be missing and overlap the span, by time.
    ///
    /// # Errors
    /// See [`Store::select`].
    fn gaps(&self, query: &Query) -> Result<Vec<Gap>, StoreError>;

    /// Deletes what is beyond the bounds, and says which days.
    ///
    /// # Errors
    /// What the disk says; days deleted before that stay deleted.
    fn retain(&self, now: UnixNanos, retention: &Retention) -> Result<Vec<Day>, StoreError>;
}
