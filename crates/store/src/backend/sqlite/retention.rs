//! Deleting days that are too old, or too many.

use std::path::PathBuf;

use pyrometer_model::UnixNanos;

use super::{SqliteStore, locked};
use crate::{Day, Retention, StoreError};

/// A day file and what SQLite keeps beside it. The log goes first: without its file it would be
/// taken for that of the next file of this name.
const ENDINGS: [&str; 3] = ["-wal", "-shm", ""];

impl SqliteStore {
    pub(super) fn delete_expired(
        &self,
        now: UnixNanos,
        retention: &Retention,
    ) -> Result<Vec<Day>, StoreError> {
        let days = self.days()?;
        let (mut expired, mut kept): (Vec<Day>, Vec<Day>) =
            days.into_iter().partition(|&day| retention.is_expired(day, now));
        if let Some(max_bytes) = retention.max_bytes {
            let mut bytes: u64 = kept.iter().map(|&day| self.bytes(day)).sum();
            while bytes > max_bytes && kept.len() > 1 {
                let oldest = kept.remove(0);
                bytes -= self.bytes(oldest).min(bytes);
                expired.push(oldest);
            }
        }
        for &day in &expired {
            self.delete(day)?;
        }
        Ok(expired)
    }

    fn bytes(&self, day: Day) -> u64 {
        self.files(day)
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|found| found.len())
            .sum()
    }

    fn files(&self, day: Day) -> impl Iterator<Item = PathBuf> {
        let path = self.path(day);
        ENDINGS.into_iter().map(move |ending| {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            name.into()
        })
    }

    fn delete(&self, day: Day) -> Result<(), StoreError> {
        // No window can be written meanwhile, and a reader that is under way keeps what it opened.
        let mut writers = locked(&self.writers);
        writers.remove(&day);
        locked(&self.readers).remove(&day);
        for path in self.files(day) {
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::Io { path, source });
                }
                _ => {}
            }
        }
        locked(&self.known).retain(|_, known| {
            known.days.remove(&day);
            !known.days.is_empty() || Day::of(known.last_window) > day
        });
        Ok(())
    }
}
