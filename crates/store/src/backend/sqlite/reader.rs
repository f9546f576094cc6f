//! Reads one day file: every method works on one snapshot, in a read transaction of its own.
//!
//! Series, services and tries only ever grow, with ascending ids, and committed rows never change.
//! So what was read once is kept and topped up inside the snapshot: a copy may be ahead of another
//! reader's snapshot, never behind its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use pyrometer_model::{
    Function, FunctionId, Incarnation, Labels, ProfileKind, Span, StackId, StackNode, UnixNanos, Worker,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::database_error;
use crate::block::BlockReader;
use crate::bytes::labels_from_bytes;
use crate::trie::Trie;
use crate::{Gap, StoreError, Totals, WorkerTotals};

/// Idle connections kept per file.
const MAX_IDLE: usize = 4;

/// A series of the file.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) id: i64,
    pub(super) service: i64,
    pub(super) incarnation: i64,
    pub(super) kind: ProfileKind,
    pub(super) labels: Labels,
}

/// One day file, open for reading.
pub(super) struct DayReader {
    /// Differs for every reader of this process.
    pub(super) id: u64,
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    series: Mutex<Arc<Vec<Series>>>,
}

/// A state of the file that does not change while it is looked at.
pub(super) struct Snapshot<'a> {
    reader: &'a DayReader,
    connection: Option<Connection>,
    pub(super) series: Arc<Vec<Series>>,
}

impl DayReader {
    pub(super) fn new(path: PathBuf, id: u64) -> Self {
        Self {
            id,
            path,
            idle: Mutex::default(),
            series: Mutex::default(),
        }
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let failed = |error| database_error(&self.path, error);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().map_err(failed)?,
        };
        connection.execute_batch("BEGIN").map_err(failed)?;
        let mut snapshot = Snapshot {
            reader: self,
            connection: Some(connection),
            series: Arc::default(),
        };
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.top_up_series(&mut series)?;
        snapshot.series = Arc::clone(&series);
        drop(series);
        Ok(snapshot)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.execute_batch("PRAGMA query_only = 1; PRAGMA cache_size = -8192;")?;
        Ok(connection)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let ended = connection.execute_batch("ROLLBACK").is_ok();
        let mut idle = self.reader.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if ended && idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }
}

impl Snapshot<'_> {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("taken only when dropped")
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        database_error(&self.reader.path, error)
    }

    pub(super) fn damaged(&self, what: &'static str) -> StoreError {
        StoreError::Damaged {
            path: self.reader.path.clone(),
            what,
        }
    }

    fn top_up_series(&self, series: &mut Arc<Vec<Series>>) -> Result<(), StoreError> {
        let last = series.last().map_or(0, |one| one.id);
        let sql = "SELECT id, service, incarnation, kind, labels FROM series WHERE id > ?1 ORDER BY id";
        let mut statement = self
            .connection()
            .prepare_cached(sql)
            .map_err(|error| self.failed(error))?;
        let mut rows = statement.query([last]).map_err(|error| self.failed(error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            let (id, service, incarnation, kind, labels): (_, _, _, u8, Vec<u8>) =
                row.try_into().map_err(|error| self.failed(error))?;
            let kind =
                ProfileKind::from_code(kind).ok_or_else(|| self.damaged("a series of an unknown kind"))?;
            let labels = labels_from_bytes(&labels).ok_or_else(|| self.damaged("labels of a series"))?;
            Arc::make_mut(series).push(Series {
                id,
                service,
                incarnation,
                kind,
                labels,
            });
        }
        Ok(())
    }

    /// Calls `each` with start and sums of every window of a series that starts in `span`.
    pub(super) fn totals(
        &self,
        series: i64,
        span: Span,
        mut each: impl FnMut(UnixNanos, Totals),
    ) -> Result<(), StoreError> {
        let sql = "SELECT start, samples, wall, cpu, wait FROM total WHERE series = ?1 AND start >= ?2 AND start < ?3";
        self.rows(sql, series, span, |row| {
            let totals = Totals {
                samples: unsigned(row, 1)?,
                wall_ns: unsigned(row, 2)?,
                cpu_ns: unsigned(row, 3)?,
                wait_ns: unsigned(row, 4)?,
            };
            each(UnixNanos(unsigned(row, 0)?), totals);
            Ok(())
        })
    }

    /// Calls `each` with the time of every window of an incarnation that starts in `span`.
    pub(super) fn windows(
        &self,
        incarnation: i64,
        span: Span,
        mut each: impl FnMut(Span),
    ) -> Result<(), StoreError> {
        let sql = "SELECT start, end FROM window WHERE incarnation = ?1 AND start >= ?2 AND start < ?3";
        self.rows(sql, incarnation, span, |row| {
            each(Span::new(
                UnixNanos(unsigned(row, 0)?),
                UnixNanos(unsigned(row, 1)?),
            ));
            Ok(())
        })
    }

    /// Calls `each` with start, stack and value (in quanta) of all rows of a series. Answers whether
    /// there was a window at all.
    pub(super) fn values(
        &self,
        series: &Series,
        span: Span,
        column: usize,
        reader: &mut BlockReader,
        mut each: impl FnMut(UnixNanos, StackId, u64),
    ) -> Result<bool, StoreError> {
        let sql = "SELECT start, data FROM block WHERE series = ?1 AND start >= ?2 AND start < ?3";
        let (mut seen, mut whole) = (false, true);
        self.rows(sql, series.id, span, |row| {
            seen = true;
            let start = UnixNanos(unsigned(row, 0)?);
            let blob = row.get_ref(1)?.as_blob()?;
            whole &= reader
                .read(blob, series.kind, column, |stack, value| {
                    each(start, stack, value)
                })
                .is_some();
            Ok(())
        })?;
        if whole {
            Ok(seen)
        } else {
            Err(self.damaged("a block of values"))
        }
    }

    fn rows(
        &self,
        sql: &str,
        key: i64,
        span: Span,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let bound = |instant: UnixNanos| i64::try_from(instant.0).unwrap_or(i64::MAX);
        let mut read = || {
            let mut statement = self.connection().prepare_cached(sql)?;
            let mut rows = statement.query(params![key, bound(span.start), bound(span.end)])?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        read().map_err(|error| self.failed(error))
    }

    /// Brings a service's trie up to this snapshot.
    pub(super) fn top_up_trie(&self, service: i64, trie: &RwLock<Trie>) -> Result<(), StoreError> {
        let mut trie = trie.write().unwrap_or_else(PoisonError::into_inner);
        load_trie(self.connection(), service, &mut trie, &self.reader.path)
    }

    /// Names of the incarnations of this file by their ids.
    pub(super) fn incarnations(&self) -> Result<HashMap<i64, String>, StoreError> {
        let read = || {
            let mut statement = self
                .connection()
                .prepare_cached("SELECT id, name FROM incarnation")?;
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Cursor and end of the last window of every incarnation.
    pub(super) fn cursors(&self) -> Result<Vec<(Incarnation, u64, UnixNanos)>, StoreError> {
        let read = || {
            let mut statement = self
                .connection()
                .prepare("SELECT name, cursor, last_window FROM incarnation")?;
            let rows = statement.query_map([], |row| {
                Ok((
                    Incarnation(row.get(0)?),
                    unsigned(row, 1)?,
                    UnixNanos(unsigned(row, 2)?),
                ))
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.failed(error))
    }

    /// What this file holds of one incarnation.
    pub(super) fn worker(&self, name: &str) -> Result<Option<WorkerTotals>, StoreError> {
        let sql = "SELECT i.*, s.name AS service_name FROM incarnation i JOIN service s ON s.id = i.service
                   WHERE i.name = ?1";
        let read = || {
            self.connection()
                .prepare_cached(sql)?
                .query_row([name], worker_of_row)
                .optional()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Gaps that end on this day and overlap `span`, with the id and the labels of their worker.
    pub(super) fn gaps(&self, span: Span) -> Result<Vec<(Gap, i64, Labels)>, StoreError> {
        let sql = "SELECT g.start AS gap_start, g.end AS gap_end, g.missed AS gap_missed, i.*,
                          s.name AS service_name
                   FROM gap g JOIN incarnation i ON i.id = g.incarnation JOIN service s ON s.id = i.service";
        let read = || {
            let mut statement = self.connection().prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let worker = worker_of_row(row)?.worker;
                let span = Span::new(UnixNanos(unsigned(row, 0)?), UnixNanos(unsigned(row, 1)?));
                let labels = worker
                    .series_labels()
                    .with("incarnation", worker.incarnation.0.as_str());
                Ok((
                    Gap {
                        incarnation: worker.incarnation,
                        span,
                        missed: unsigned(row, 2)?,
                    },
                    row.get("id")?,
                    labels,
                ))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let found = read().map_err(|error| self.failed(error))?;
        Ok(found
            .into_iter()
            .filter(|(gap, ..)| gap.span.overlaps(span))
            .collect())
    }
}

fn worker_of_row(row: &Row<'_>) -> rusqlite::Result<WorkerTotals> {
    let number = |name| Ok::<_, rusqlite::Error>(row.get::<_, i64>(name)?.max(0) as u64);
    let worker = Worker {
        incarnation: Incarnation(row.get("name")?),
        pid: row.get("pid")?,
        host: row.get("host")?,
        service: row.get("service_name")?,
        python: row.get("python")?,
        labels: labels_from_bytes(&row.get::<_, Vec<u8>>("labels")?).unwrap_or_default(),
        started: UnixNanos(number("started")?),
        rate_hz: row.get("rate_hz")?,
    };
    Ok(WorkerTotals {
        worker,
        windows: number("windows")?,
        missed: number("missed")?,
        last_window: UnixNanos(number("last_window")?),
        totals: Totals {
            samples: number("samples")?,
            wall_ns: number("wall")?,
            cpu_ns: number("cpu")?,
            wait_ns: 0,
        },
    })
}

/// Adds the entries that a trie has not got yet. Ids must continue it without a hole.
pub(super) fn load_trie(
    connection: &Connection,
    service: i64,
    trie: &mut Trie,
    path: &Path,
) -> Result<(), StoreError> {
    let failed = |error| database_error(path, error);
    let damaged = |what| StoreError::Damaged {
        path: path.to_owned(),
        what,
    };
    let sql = "SELECT id, name, file, line FROM function WHERE service = ?1 AND id >= ?2 ORDER BY id";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement
        .query(params![service, trie.functions.len() as i64])
        .map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, name, file, line): (u32, _, _, _) = row.try_into().map_err(failed)?;
        if trie.functions.len() as u32 != id
            || trie.functions.intern(&Function { name, file, line }) != FunctionId(id)
        {
            return Err(damaged("the functions of a service"));
        }
    }
    let sql = "SELECT id, parent, function, line FROM stack WHERE service = ?1 AND id >= ?2 ORDER BY id";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement
        .query(params![service, trie.stacks.len() as i64])
        .map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, parent, function, line): (u32, u32, u32, u32) = row.try_into().map_err(failed)?;
        let node = StackNode {
            parent: StackId(parent),
            function: FunctionId(function),
            line,
        };
        let fits =
            trie.stacks.len() as u32 == id && parent < id && (function as usize) < trie.functions.len();
        if !fits || trie.stacks.intern(node) != StackId(id) {
            return Err(damaged("the stacks of a service"));
        }
    }
    Ok(())
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.max(0) as u64)
}
