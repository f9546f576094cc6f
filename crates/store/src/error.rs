//! Why the store could not do what it was asked, and what a person can do about it.

use std::borrow::Cow;
use std::path::PathBuf;

/// Errors of every backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process uses the directory.
    #[error("{path} is in use by another process")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// There is no room left. Nothing of the batch that met this is lost or half stored.
    #[error("no space left for {path}: {reason}")]
    Full {
        /// The file that could not grow.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file or directory could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database library refused.
    #[error("{path}: {reason}")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A file holds what this program never writes.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// A file was written by a later version.
    #[error("{path} has schema version {found}, this program knows up to {known}")]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Last version known here.
        known: i64,
    },
    /// A window refers to tables that were never delivered: [`crate::Session::accept`] finds this
    /// before anything is stored.
    #[error("window {seq} refers to stacks that were not delivered")]
    UnknownStack {
        /// The window.
        seq: u64,
    },
}

impl StoreError {
    /// Whether room is what is missing, so that trying again later makes sense.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Locked { .. } => {
                "stop the other `pyrometer serve`, or give this one its own --data directory"
            }
            Self::Full { .. } => {
                "free space on that disk or lower the retention; collecting resumes by itself, \
                 and the workers keep their windows meanwhile"
            }
            Self::Io { .. } => "check that the directory exists and that this user may write to it",
            Self::Database { .. } => "check the disk; a file that stays unreadable can be moved away",
            Self::Damaged { .. } => "move the file away: the other days stay readable",
            Self::NewerSchema { .. } => "use the pyrometer version that wrote it, or a later one",
            Self::UnknownStack { .. } => return None,
        };
        Some(hint.into())
    }
}
