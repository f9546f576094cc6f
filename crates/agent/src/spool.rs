//! The spool: a worker's last windows, left in the socket directory when the worker ends.
//!
//! A spool file is a feed answer with full tables. It is bounded, written to a temporary name and
//! renamed, so a reader sees all of it or nothing. Failing to write it is not an error: the windows
//! are lost then, as with `kill -9`, and the collector shows the gap.

use std::fs;
use std::path::Path;

use crate::directory::{self, Names};
use crate::shared::Shared;

/// Most windows spooled: what a collector that polls every few seconds can have missed.
const SPOOL_WINDOWS: usize = 6;
/// Most bytes of one spool file.
const MAX_SPOOL_BYTES: usize = 256 << 10;
/// Most spool files of a directory; beyond it nothing more is written. Looking at so many takes 5 ms.
const MAX_DIRECTORY_FILES: usize = 4096;
/// Most bytes of all spool files of a directory; beyond it nothing more is written.
const MAX_DIRECTORY_BYTES: u64 = 64 << 20;

/// Writes the last windows of an agent whose threads have ended.
pub(crate) fn write(directory: &Path, names: &Names, shared: &Shared) {
    // A child that ended at once has nothing to say.
    if shared.windows().is_blank() || !has_room(directory) {
        return;
    }
    let answer = |windows| {
        shared
            .windows()
            .feed(&shared.worker, 0, None)
            .newest(windows)
            .encode()
    };
    let bytes = [SPOOL_WINDOWS, 1]
        .into_iter()
        .map(answer)
        .find(|bytes| bytes.len() <= MAX_SPOOL_BYTES);
    let Some(bytes) = bytes else { return };
    let path = names.spool(directory);
    let temporary = path.with_extension("part");
    if fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .is_err()
    {
        // Nothing is left behind; there is nobody to tell.
        let _ = fs::remove_file(&temporary);
    }
}

fn has_room(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else {
        return true;
    };
    let spooled = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let parsed = name.to_str().and_then(Names::parse);
        parsed.is_some_and(|(_, ending)| ending == directory::SPOOL_ENDING)
    });
    let (mut files, mut bytes) = (0, 0);
    for entry in spooled {
        files += 1;
        bytes += entry.metadata().map_or(0, |found| found.len());
        if files >= MAX_DIRECTORY_FILES || bytes > MAX_DIRECTORY_BYTES {
            return false;
        }
    }
    true
}
