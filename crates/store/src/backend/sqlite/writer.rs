//! Writes the windows of one worker that start on one day: one transaction, with its cursor.
//!
//! What a writer keeps in memory mirrors committed rows only. When a transaction fails, the writer
//! is thrown away with it, so nothing here has to be taken back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pyrometer_model::{Block, Span, UnixNanos, Window, Worker};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::reader::load_trie;
use super::{database_error, schema};
use crate::block::{BlockWriter, Rows};
use crate::bytes::labels_to_bytes;
use crate::trie::Trie;
use crate::{Session, StoreError, Totals, WorkerTotals};

/// One day file, open for writing.
pub(super) struct DayWriter {
    /// Differs for every writer of this process: a file may be deleted and made again.
    place: u64,
    path: PathBuf,
    connection: Connection,
    blocks: BlockWriter,
    /// Services by name: id in the file, and its functions and stacks.
    services: HashMap<String, (i64, Trie)>,
    series: HashMap<(i64, u8, Vec<u8>), i64>,
}

/// A gap that a batch revealed.
pub(super) struct FoundGap {
    pub(super) before_seq: u64,
    pub(super) span: Span,
    pub(super) missed: u64,
}

impl DayWriter {
    pub(super) fn open(path: &Path, place: u64) -> Result<Self, StoreError> {
        if !path.exists() {
            create(path)?;
        }
        let connection = open_current(path)?;
        connection.set_prepared_statement_cache_capacity(32);
        let blocks = BlockWriter::new().map_err(|source| StoreError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            place,
            path: path.to_owned(),
            connection,
            blocks,
            services: HashMap::new(),
            series: HashMap::new(),
        })
    }

    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// Stores all of `windows`, which are new and in order. Answers what was added to the sums of
    /// this incarnation.
    pub(super) fn append(
        &mut self,
        session: &mut Session,
        windows: &[Window],
        gaps: &[FoundGap],
    ) -> Result<WorkerTotals, StoreError> {
        let path = self.path.clone();
        let failed = |error| database_error(&path, error);
        let mut added = WorkerTotals::new(session.worker().clone());
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let worker = session.worker().clone();
        if !self.services.contains_key(&worker.service) {
            let service = load_service(&transaction, &worker.service, &path)?;
            self.services.insert(worker.service.clone(), service);
        }
        let (service, trie) = self.services.get_mut(&worker.service).expect("inserted above");
        let (functions, stacks) = (trie.functions.len(), trie.stacks.len());
        let incarnation = incarnation_id(&transaction, &worker, *service).map_err(failed)?;

        for window in windows {
            added.windows += 1;
            added.last_window = added.last_window.max(window.span.end);
            put_window(&transaction, incarnation, window).map_err(failed)?;
            for block in &window.blocks {
                let ids = block.stacks.iter().map(|&stack| {
                    let found = session.stack_in(self.place, trie, window.generation, stack);
                    found.ok_or(StoreError::UnknownStack { seq: window.seq })
                });
                let rows = Rows::new(&ids.collect::<Result<Vec<_>, _>>()?, &block.columns);
                let labels = labels_to_bytes(&session.series_labels(&block.labels));
                let key = (incarnation, block.kind.code(), labels);
                let series = match self.series.get(&key) {
                    Some(&series) => series,
                    None => {
                        let series = series_id(&transaction, &key, *service).map_err(failed)?;
                        self.series.insert(key, series);
                        series
                    }
                };
                let data = self.blocks.write(&rows);
                let data = data.map_err(|source| StoreError::Io {
                    path: path.clone(),
                    source,
                })?;
                let totals = put_block(&transaction, series, window, block, &data).map_err(failed)?;
                added.totals.add(totals);
            }
        }
        for gap in gaps {
            added.missed += gap.missed;
            put_gap(&transaction, incarnation, gap).map_err(failed)?;
        }
        put_symbols(&transaction, *service, trie, functions, stacks).map_err(failed)?;
        let cursor = windows.last().map_or(0, |window| window.seq);
        put_cursor(&transaction, incarnation, cursor, &added).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(added)
    }
}

/// Makes a file under another name first: one without its tables, as a full disk leaves it, is never
/// seen by readers.
fn create(path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::Io {
        path: path.to_owned(),
        source,
    };
    let unfinished = path.with_extension("unfinished");
    for ending in ["", "-wal", "-shm"] {
        let mut name = unfinished.clone().into_os_string();
        name.push(ending);
        match std::fs::remove_file(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    let connection = open_current(&unfinished)?;
    connection
        .close()
        .map_err(|(_, error)| database_error(path, error))?;
    std::fs::rename(&unfinished, path).map_err(io)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(io)
}

/// Opens a file for writing, and brings it to the current schema.
fn open_current(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error| database_error(path, error);
    let mut connection = Connection::open(path).map_err(failed)?;
    match schema::open(&mut connection).map_err(failed)? {
        Ok(()) => Ok(connection),
        Err(found) => Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: schema::VERSION,
        }),
    }
}

fn load_service(transaction: &Transaction<'_>, name: &str, path: &Path) -> Result<(i64, Trie), StoreError> {
    let failed = |error| database_error(path, error);
    transaction
        .execute("INSERT OR IGNORE INTO service (name) VALUES (?1)", [name])
        .map_err(failed)?;
    let id = transaction
        .query_row("SELECT id FROM service WHERE name = ?1", [name], |row| row.get(0))
        .map_err(failed)?;
    let mut trie = Trie::default();
    load_trie(transaction, id, &mut trie, path)?;
    Ok((id, trie))
}

fn incarnation_id(transaction: &Transaction<'_>, worker: &Worker, service: i64) -> rusqlite::Result<i64> {
    let find = "SELECT id FROM incarnation WHERE name = ?1";
    let known = transaction
        .prepare_cached(find)?
        .query_row([&worker.incarnation.0], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO incarnation (name, service, pid, host, python, labels, started, rate_hz)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            worker.incarnation.0,
            service,
            worker.pid,
            worker.host,
            worker.python,
            labels_to_bytes(&worker.labels),
            clamp(worker.started.0),
            worker.rate_hz,
        ],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn series_id(
    transaction: &Transaction<'_>,
    (incarnation, kind, labels): &(i64, u8, Vec<u8>),
    service: i64,
) -> rusqlite::Result<i64> {
    let find = "SELECT id FROM series WHERE incarnation = ?1 AND kind = ?2 AND labels = ?3";
    let mut statement = transaction.prepare_cached(find)?;
    let known = statement
        .query_row(params![incarnation, kind, labels], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO series (incarnation, service, kind, labels) VALUES (?1, ?2, ?3, ?4)",
        params![incarnation, service, kind, labels],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn put_window(transaction: &Transaction<'_>, incarnation: i64, window: &Window) -> rusqlite::Result<()> {
    let health = &window.health;
    transaction
        .prepare_cached("INSERT INTO window VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            incarnation,
            clamp(window.span.start.0),
            clamp(window.seq),
            clamp(window.span.end.0),
            clamp(health.ticks),
            clamp(health.overruns),
            clamp(health.salvaged),
            clamp(health.torn),
            clamp(health.folded),
            clamp(health.agent_cpu_ns),
            health.rate_hz,
        ])?;
    Ok(())
}

fn put_block(
    transaction: &Transaction<'_>,
    series: i64,
    window: &Window,
    block: &Block,
    data: &[u8],
) -> rusqlite::Result<Totals> {
    let totals = Totals::of_columns(block.kind, &block.columns);
    let (start, seq) = (clamp(window.span.start.0), clamp(window.seq));
    transaction
        .prepare_cached("INSERT INTO block VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![series, start, seq, data])?;
    transaction
        .prepare_cached("INSERT INTO total VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            series,
            start,
            seq,
            clamp(totals.samples),
            clamp(totals.wall_ns),
            clamp(totals.cpu_ns),
            clamp(totals.wait_ns),
        ])?;
    Ok(totals)
}

fn put_gap(transaction: &Transaction<'_>, incarnation: i64, gap: &FoundGap) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO gap VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            incarnation,
            clamp(gap.before_seq),
            clamp(gap.span.start.0),
            clamp(gap.span.end.0),
            clamp(gap.missed),
        ])?;
    Ok(())
}

fn put_symbols(
    transaction: &Transaction<'_>,
    service: i64,
    trie: &Trie,
    functions_from: usize,
    stacks_from: usize,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO function VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (id, function) in trie.functions.as_slice().iter().enumerate().skip(functions_from) {
        insert.execute(params![
            service,
            id as i64,
            function.name,
            function.file,
            function.line
        ])?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO stack VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (node, id) in trie.stacks.nodes().iter().zip(1_i64..).skip(stacks_from - 1) {
        insert.execute(params![service, id, node.parent.0, node.function.0, node.line])?;
    }
    Ok(())
}

fn put_cursor(
    transaction: &Transaction<'_>,
    incarnation: i64,
    cursor: u64,
    added: &WorkerTotals,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE incarnation SET cursor = max(cursor, ?2), windows = windows + ?3, missed = missed + ?4,
                last_window = max(last_window, ?5), samples = samples + ?6, wall = wall + ?7, cpu = cpu + ?8
             WHERE id = ?1",
        )?
        .execute(params![
            incarnation,
            clamp(cursor),
            clamp(added.windows),
            clamp(added.missed),
            clamp(added.last_window.0),
            clamp(added.totals.samples),
            clamp(added.totals.wall_ns),
            clamp(added.totals.cpu_ns),
        ])?;
    Ok(())
}

/// SQLite has signed integers only; no honest value comes near the bound.
fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Holes in the numbers of new windows, the first of which follows `cursor`. A worker that was never
/// seen begins with its start.
pub(super) fn find_gaps(
    session: &Session,
    cursor: u64,
    last_window: Option<UnixNanos>,
    windows: &[Window],
) -> Vec<FoundGap> {
    let mut gaps = Vec::new();
    let mut before = cursor;
    let mut end = last_window.unwrap_or(session.worker().started);
    for window in windows {
        let missed = window.seq - before - 1;
        if missed > 0 {
            let span = Span::new(end.min(window.span.start), window.span.start);
            gaps.push(FoundGap {
                before_seq: window.seq,
                span,
                missed,
            });
        }
        before = window.seq;
        end = end.max(window.span.end);
    }
    gaps
}
