//! The socket directory: where workers of one user on one machine are found.
//!
//! Each incarnation owns two names in it, `PID-START.sock` (its endpoint) and `PID-START.spool`
//! (its last windows, written when it ends). Readers of the directory belong to the same user: it
//! is private (mode 0700), and one that belongs to somebody else is refused.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pyrometer_model::UnixNanos;

/// Ending of an endpoint's name.
pub const SOCKET_ENDING: &str = "sock";
/// Ending of a spool file's name.
pub const SPOOL_ENDING: &str = "spool";

/// Why the socket directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It could not be made or looked at.
    #[error("the socket directory {path} cannot be used: {source}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else owns it, or it is no directory.
    #[error("the socket directory {path} is not a directory of this user")]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
}

/// The directory that is used when nobody names one: `$PYROMETER_DIR`, else
/// `$XDG_RUNTIME_DIR/pyrometer`, else `/run/pyrometer` for root, else `/tmp/pyrometer-UID`.
#[must_use]
pub fn default_path() -> PathBuf {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    named("PYROMETER_DIR")
        .or_else(|| named("XDG_RUNTIME_DIR").map(|base| base.join("pyrometer")))
        .unwrap_or_else(|| match user {
            0 => PathBuf::from("/run/pyrometer"),
            _ => PathBuf::from(format!("/tmp/pyrometer-{user}")),
        })
}

/// Makes the directory private, or checks that it is one of this user's.
///
/// # Errors
/// [`DirectoryError`] when it cannot be made, or is not ours: a directory in `/tmp` that another
/// user made first must not be trusted.
pub fn prepare(path: &Path) -> Result<(), DirectoryError> {
    let io = |source| DirectoryError::Io {
        path: path.to_owned(),
        source,
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io)?;
    let found = std::fs::symlink_metadata(path).map_err(io)?;
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    if !found.is_dir() || found.uid() != user {
        return Err(DirectoryError::Foreign {
            path: path.to_owned(),
        });
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

/// The two names of one incarnation in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Process id.
    pub pid: u32,
    /// When the agent started in it.
    pub started: UnixNanos,
}

impl Names {
    /// Path of the endpoint.
    #[must_use]
    pub fn socket(&self, directory: &Path) -> PathBuf {
        self.file(directory, SOCKET_ENDING)
    }

    /// Path of the spool file.
    #[must_use]
    pub fn spool(&self, directory: &Path) -> PathBuf {
        self.file(directory, SPOOL_ENDING)
    }

    fn file(&self, directory: &Path, ending: &str) -> PathBuf {
        directory.join(format!("{}-{}.{ending}", self.pid, self.started.0))
    }

    /// Reads a file's name back, together with its ending; `None` for names of another kind.
    #[must_use]
    pub fn parse(file_name: &str) -> Option<(Self, &str)> {
        let (stem, ending) = file_name.rsplit_once('.')?;
        let (pid, started) = stem.split_once('-')?;
        let names = Self {
            pid: pid.parse().ok()?,
            started: UnixNanos(started.parse().ok()?),
        };
        Some((names, ending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let names = Names {
            pid: 42,
            started: UnixNanos(1_763_730_240_000_000_000),
        };
        let path = names.socket(Path::new("/run/pyrometer"));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(Names::parse(name), Some((names, SOCKET_ENDING)));
        for stranger in ["", "x.sock", "1-.sock", "-1.sock", "1-2", "1-2-3.sock"] {
            assert_eq!(Names::parse(stranger), None, "{stranger:?}");
        }
    }

    #[test]
    fn a_directory_is_made_private_and_a_file_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b");
        prepare(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        prepare(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let file = base.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(prepare(&file).is_err());
    }
}
