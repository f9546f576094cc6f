//! The default store: one SQLite file per UTC day, `DIR/2026-11-21.sqlite3`.
//!
//! A window rests in the file of the day on which it starts, together with everything that is needed
//! to read it. A batch that spans days commits day by day in the order of its numbers, and the cursor
//! of an incarnation is the greatest over all files: so a crash in the middle leaves a prefix, and
//! the rest is asked for again. One process owns the directory (`DIR/lock`).
//!
//! | file | |
//! |---|---|
//! | `schema.rs` | tables, and versions of them |
//! | `writer.rs` | one worker's windows of one day, in one transaction |
//! | `reader.rs` | snapshots of one day |
//! | `query.rs` | questions over several days |
//! | `retention.rs` | deleting days |

mod query;
mod reader;
mod recent;
mod retention;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use pyrometer_model::{Incarnation, UnixNanos, Window};

use self::reader::DayReader;
use self::recent::Recent;
use self::writer::{DayWriter, find_gaps};
use crate::trie::Trie;
use crate::{Appended, Day, Session, StoreError};

const ENDING: &str = "sqlite3";

/// Day files open for writing: today's, and yesterday's around midnight.
const MAX_WRITERS: usize = 2;
/// Day files open for reading.
const MAX_READERS: usize = 40;
/// Tries kept for reading, one per day file and service; about 100 bytes per stack each.
const MAX_TRIES: usize = 128;

type SharedTrie = Arc<RwLock<Trie>>;

/// A directory of day files.
pub struct SqliteStore {
    directory: PathBuf,
    /// Held for as long as the store lives; the kernel lets go of it when the process ends.
    _lock: File,
    known: Mutex<HashMap<Incarnation, Known>>,
    writers: Mutex<Recent<Day, DayWriter>>,
    readers: Mutex<Recent<Day, Arc<DayReader>>>,
    /// By reader and service.
    tries: Mutex<Recent<(u64, i64), SharedTrie>>,
    next_id: AtomicU64,
    /// Makes the transaction of this day fail: how the tests stop between two days.
    #[cfg(test)]
    fail_on: Mutex<Option<Day>>,
}

/// What is remembered of an incarnation: what is asked for at every poll.
#[derive(Clone, Debug, Default)]
struct Known {
    cursor: u64,
    last_window: UnixNanos,
    days: BTreeSet<Day>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SqliteStore")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the directory, which is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open, or what the disk says.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let lock = lock(directory)?;
        let store = Self {
            directory: directory.to_owned(),
            _lock: lock,
            known: Mutex::default(),
            writers: Mutex::new(Recent::new(MAX_WRITERS)),
            readers: Mutex::new(Recent::new(MAX_READERS)),
            tries: Mutex::new(Recent::new(MAX_TRIES)),
            next_id: AtomicU64::new(1),
            #[cfg(test)]
            fail_on: Mutex::default(),
        };
        for day in store.days()? {
            // Through a writer once: that brings files of an earlier version up to date.
            DayWriter::open(&store.path(day), store.id())?;
            for (incarnation, cursor, last_window) in store.reader(day)?.snapshot()?.cursors()? {
                store.learn(&incarnation, cursor, last_window, day);
            }
        }
        Ok(store)
    }

    fn learn(&self, incarnation: &Incarnation, cursor: u64, last_window: UnixNanos, day: Day) {
        let mut known = locked(&self.known);
        let known = known.entry(incarnation.clone()).or_default();
        known.cursor = known.cursor.max(cursor);
        known.last_window = known.last_window.max(last_window);
        known.days.insert(day);
    }

    fn known(&self, incarnation: &Incarnation) -> Known {
        locked(&self.known).get(incarnation).cloned().unwrap_or_default()
    }

    /// Days that have a file, in order.
    fn days(&self) -> Result<Vec<Day>, StoreError> {
        let io = |source| StoreError::Io {
            path: self.directory.clone(),
            source,
        };
        let mut days = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let stem = name
                .to_str()
                .and_then(|name| name.strip_suffix(ENDING)?.strip_suffix('.'));
            days.extend(stem.and_then(Day::parse));
        }
        days.sort_unstable();
        Ok(days)
    }

    fn path(&self, day: Day) -> PathBuf {
        self.directory.join(format!("{}.{ENDING}", day.name()))
    }

    fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn reader(&self, day: Day) -> Result<Arc<DayReader>, StoreError> {
        let make = || Ok(Arc::new(DayReader::new(self.path(day), self.id())));
        locked(&self.readers)
            .get_or_try_insert(day, make)
            .map(|reader| Arc::clone(reader))
    }

    fn append_windows(&self, session: &mut Session, windows: &[Window]) -> Result<Appended, StoreError> {
        let incarnation = session.worker().incarnation.clone();
        let mut writers = locked(&self.writers);
        let mut appended = Appended::default();
        let cursor = self.known(&incarnation).cursor;
        let first_new = windows.partition_point(|window| window.seq <= cursor);
        appended.already = first_new as u64;
        let same_day = |one: &Window, next: &Window| Day::of(one.span.start) == Day::of(next.span.start);
        for run in windows[first_new..].chunk_by(same_day) {
            let day = Day::of(run[0].span.start);
            let known = self.known(&incarnation);
            let last_window = (known.cursor > 0).then_some(known.last_window);
            let gaps = find_gaps(session, known.cursor, last_window, run);
            let writer = writers.get_or_try_insert(day, || DayWriter::open(&self.path(day), self.id()))?;
            let place = writer.place();
            let added = self.allow(day).and_then(|()| writer.append(session, run, &gaps));
            let added = added.inspect_err(|_| {
                writers.remove(&day);
                session.forget(place);
            })?;
            let cursor = run.last().map_or(0, |window| window.seq);
            self.learn(&incarnation, cursor, added.last_window, day);
            appended.new += added.windows;
            appended.missed += added.missed;
        }
        Ok(appended)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "the tests' twin of it looks at a field")]
    fn allow(&self, _day: Day) -> Result<(), StoreError> {
        Ok(())
    }

    #[cfg(test)]
    fn allow(&self, day: Day) -> Result<(), StoreError> {
        if *locked(&self.fail_on) == Some(day) {
            return Err(StoreError::Full {
                path: self.path(day),
                reason: "asked for".to_owned(),
            });
        }
        Ok(())
    }
}

/// Takes the directory for this process.
fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let io = |source| StoreError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(directory).map_err(|source| StoreError::Io {
        path: directory.to_owned(),
        source,
    })?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: directory.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

/// A panic while a lock is held leaves caches behind, whose content is checked or rebuilt.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a full disk from other trouble.
fn database_error(path: &Path, error: rusqlite::Error) -> StoreError {
    /// The shared-memory file beside the log could not grow.
    const IOERR_SHMSIZE: i32 = 4874;
    let code = error
        .sqlite_error()
        .map(|inner| (inner.code, inner.extended_code));
    match code {
        Some((rusqlite::ErrorCode::DiskFull, _)) | Some((_, IOERR_SHMSIZE)) => StoreError::Full {
            path: path.to_owned(),
            reason: error.to_string(),
        },
        _ => StoreError::Database {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    }
}
