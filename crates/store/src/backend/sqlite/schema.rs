//! The form of a day file, and how a file of an earlier version is brought to it.
//!
//! A file is complete in itself: it can be copied, moved or deleted without the others.
//! Ids are the file's own. Times are nanoseconds since the epoch; sums are in the units of their
//! profile types; blobs are described in `block.rs` and `bytes.rs`.

use rusqlite::Connection;

/// Version of the schema below; `PRAGMA user_version` of a file that has it.
pub(super) const VERSION: i64 = 2;

/// `PRAGMA application_id`: "PYRM".
const APPLICATION_ID: i64 = 0x5059_524d;

/// Step `n` brings a file from version `n` to `n + 1`; a new file runs them all.
const STEPS: [&str; VERSION as usize] = [
    "
    CREATE TABLE service (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

    -- Who delivered, how far (cursor), and the sums of it.
    CREATE TABLE incarnation (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, service INTEGER NOT NULL REFERENCES service,
        pid INTEGER NOT NULL, host TEXT NOT NULL, python TEXT NOT NULL, labels BLOB NOT NULL,
        started INTEGER NOT NULL, rate_hz INTEGER NOT NULL,
        cursor INTEGER NOT NULL DEFAULT 0, windows INTEGER NOT NULL DEFAULT 0,
        missed INTEGER NOT NULL DEFAULT 0, last_window INTEGER NOT NULL DEFAULT 0,
        samples INTEGER NOT NULL DEFAULT 0, wall INTEGER NOT NULL DEFAULT 0, cpu INTEGER NOT NULL DEFAULT 0);

    -- Every window, those without a sample too: that a worker was there is also an answer.
    CREATE TABLE window (
        incarnation INTEGER NOT NULL, start INTEGER NOT NULL, seq INTEGER NOT NULL, end INTEGER NOT NULL,
        ticks INTEGER NOT NULL, overruns INTEGER NOT NULL, salvaged INTEGER NOT NULL, torn INTEGER NOT NULL,
        folded INTEGER NOT NULL, agent_cpu INTEGER NOT NULL, rate_hz INTEGER NOT NULL,
        PRIMARY KEY (incarnation, start, seq)) WITHOUT ROWID;
    CREATE TABLE gap (
        incarnation INTEGER NOT NULL, seq INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        missed INTEGER NOT NULL, PRIMARY KEY (incarnation, seq)) WITHOUT ROWID;

    CREATE TABLE series (
        id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL REFERENCES incarnation,
        service INTEGER NOT NULL, kind INTEGER NOT NULL, labels BLOB NOT NULL,
        UNIQUE (incarnation, kind, labels));
    -- Sums apart from the blobs, so that a timeline reads a few bytes per window.
    CREATE TABLE total (
        series INTEGER NOT NULL, start INTEGER NOT NULL, seq INTEGER NOT NULL,
        samples INTEGER NOT NULL, wall INTEGER NOT NULL, cpu INTEGER NOT NULL,
        PRIMARY KEY (series, start, seq)) WITHOUT ROWID;
    CREATE TABLE block (
        series INTEGER NOT NULL, start INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (series, start, seq)) WITHOUT ROWID;

    -- Dense ids per service: functions from 0, stacks from 1, a parent before its children.
    CREATE TABLE function (
        service INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, file TEXT NOT NULL,
        line INTEGER NOT NULL, PRIMARY KEY (service, id)) WITHOUT ROWID;
    CREATE TABLE stack (
        service INTEGER NOT NULL, id INTEGER NOT NULL, parent INTEGER NOT NULL, function INTEGER NOT NULL,
        line INTEGER NOT NULL, PRIMARY KEY (service, id)) WITHOUT ROWID;
",
    "
    ALTER TABLE total ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;
",
];

/// Prepares a connection that writes, and brings the file to [`VERSION`]. Answers the version that
/// was found when it is a later one; nothing is changed then.
pub(super) fn open(connection: &mut Connection) -> rusqlite::Result<Result<(), i64>> {
    // The size of pages is fixed by the first write, and the journal mode by a file's first user.
    connection
        .execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Ok(Err(found));
    }
    if found < VERSION {
        let transaction = connection.transaction()?;
        for step in &STEPS[found.max(0) as usize..] {
            transaction.execute_batch(step)?;
        }
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
        ))?;
        transaction.commit()?;
    }
    Ok(Ok(()))
}
