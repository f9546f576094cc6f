//! The socket directory: endpoints of living workers, what dead ones left, what ended ones spooled.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pyrometer_agent::directory::{Names, SOCKET_ENDING, SPOOL_ENDING};
use pyrometer_formats::feed::MAX_PAYLOAD_BYTES;
use pyrometer_model::UnixNanos;

use super::{Collector, blocking};
use crate::server::now;

/// A spool file that was read is kept this long, for other readers.
const SPOOL_AGE: Duration = Duration::from_secs(600);

/// A worker's agent starts after its process; clocks may differ by this much.
const START_SLACK_NS: u64 = 2_000_000_000;

/// Names as a key of a map.
pub(super) type Key = (u32, u64);

pub(super) fn key(names: &Names) -> Key {
    (names.pid, names.started.0)
}

/// From the name of a socket to its worker's first answer, nanoseconds: far more than it takes.
const SETTLE_NS: u64 = 10_000_000_000;

/// What lies in the directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) sockets: HashMap<Key, (Names, PathBuf)>,
    pub(super) spools: Vec<(Names, PathBuf)>,
}

pub(super) fn list(directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        match Names::parse(name) {
            Some((names, SOCKET_ENDING)) => {
                listing.sockets.insert(key(&names), (names, path));
            }
            Some((names, SPOOL_ENDING)) => listing.spools.push((names, path)),
            _ => {}
        }
    }
    Ok(listing)
}

/// Removes a socket that refused a connection and whose worker is gone; says whether it is.
///
/// A worker listens as long as it lives. So one that refuses is gone even where its process lives,
/// as after an exec; unless it began a moment ago and does not listen yet.
pub(super) fn remove_if_dead(names: &Names, path: &Path) -> bool {
    let is_new = now().0.saturating_sub(names.started.0) < SETTLE_NS;
    if is_new && is_alive(names) {
        return false;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the socket of a dead worker cannot be removed");
            false
        }
        _ => true,
    }
}

/// Whether the process that these names belong to lives: its number may have gone to another.
fn is_alive(names: &Names) -> bool {
    match process_start(names.pid) {
        Ok(started) => started.is_none_or(|started| started.0 <= names.started.0 + START_SLACK_NS),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// When a process started, from `/proc/PID/stat` (proc(5), field 22) and the boot time; `None` when
/// that cannot be told.
fn process_start(pid: u32) -> io::Result<Option<UnixNanos>> {
    /// Clock ticks per second of every Linux that Rust runs on (`USER_HZ`).
    const TICK_NS: u64 = 10_000_000;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = || {
        stat.rsplit_once(')')?
            .1
            .split_ascii_whitespace()
            .nth(19)?
            .parse::<u64>()
            .ok()
    };
    let boot = std::fs::read_to_string("/proc/stat").ok();
    let boot = || {
        boot.as_ref()?
            .lines()
            .find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok())
    };
    Ok(ticks()
        .zip(boot())
        .map(|(ticks, boot)| UnixNanos(boot * 1_000_000_000 + ticks * TICK_NS)))
}

/// Which spool files were read. A restart reads them again: the cursor knows what is stored.
#[derive(Debug, Default)]
pub(super) struct Spools {
    read: HashSet<PathBuf>,
    /// With their length: a file that was still being written is looked at again.
    refused: HashMap<PathBuf, u64>,
}

impl Spools {
    /// Reads a file once; removes it when it was read and is old.
    pub(super) async fn read(&mut self, collector: &Collector, path: &Path) {
        if self.read.contains(path) {
            let owned = path.to_owned();
            if blocking(move || is_old(&owned) && std::fs::remove_file(&owned).is_ok()).await {
                self.read.remove(path);
            }
            return;
        }
        if collector.ingest.pause.wait().is_some() {
            return;
        }
        let owned = path.to_owned();
        let bytes = match blocking(move || read_bounded(&owned)).await {
            Ok(bytes) => bytes,
            Err(error) => {
                // It may be under way, or gone: the next look tells.
                tracing::debug!(path = %path.display(), %error, "a spool file cannot be read");
                return;
            }
        };
        let length = bytes.len() as u64;
        if self.refused.get(path) == Some(&length) {
            return;
        }
        match collector.ingest.store(bytes.into(), None).await.1 {
            Ok(delivered) => {
                tracing::info!(path = %path.display(), worker = delivered.worker.incarnation.0, "read what an ended worker left");
                collector.roster.spooled(path, delivered);
                self.read.insert(path.to_owned());
            }
            Err(super::IngestError::Paused) => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a spool file is refused");
                self.refused.insert(path.to_owned(), length);
            }
        }
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_PAYLOAD_BYTES as u64 + 1024)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_old(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|found| found.modified());
    let age = modified
        .ok()
        .and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > SPOOL_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_told_apart_by_their_start() {
        let names = |pid, started| Names { pid, started };
        let own = std::process::id();
        assert!(is_alive(&names(own, now())));
        assert!(!is_alive(&names(
            own,
            UnixNanos(now().0 - 86_400_000_000_000 * 365)
        )));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!is_alive(&names(pid, now())));
    }
}
