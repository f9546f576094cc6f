//! Which hooks this interpreter gets, and their being on and off.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;

use super::{eval, monitoring, setprofile};

/// Ways to see calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hooks {
    /// `sys.monitoring`, 3.12 and later.
    Monitoring,
    /// Frame evaluation function, 3.9 to 3.11.
    Evaluation,
    /// Profile function, 3.9 to 3.11, for calls of C functions.
    Profile,
}

/// Why the hooks could not be set.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) problem: String,
    pub(super) hint: &'static str,
}

/// What to see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) c_calls: bool,
    /// Whether functions were chosen; all others are to pay nothing.
    pub(super) chosen: bool,
}

static ACTIVE: AtomicU8 = AtomicU8::new(0);

impl Hooks {
    /// The best for this interpreter.
    pub(super) fn choose(py: Python<'_>, wanted: Wanted) -> Result<Self, Refused> {
        let version = py.version_info();
        match (version.major, version.minor) {
            (3, 12..=15) => Ok(Self::Monitoring),
            (3, 9..=11) if wanted.c_calls => Ok(Self::Profile),
            (3, 9..=11) => Ok(Self::Evaluation),
            _ => Err(Refused {
                problem: format!("Python {}.{} is not supported", version.major, version.minor),
                hint: "CPython 3.9 to 3.15 can be recorded",
            }),
        }
    }

    /// Turns them on.
    pub(super) fn set(self, py: Python<'_>, wanted: Wanted) -> Result<(), Refused> {
        match self {
            Self::Monitoring => monitoring::set(py, wanted)?,
            Self::Evaluation => eval::set(py, wanted)?,
            Self::Profile => setprofile::set(py)?,
        }
        ACTIVE.store(self as u8 + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Turns them off; what belonged to others stays.
    pub(super) fn unset(self, py: Python<'_>) {
        ACTIVE.store(0, Ordering::Relaxed);
        match self {
            Self::Monitoring => monitoring::unset(py),
            Self::Evaluation => eval::unset(),
            Self::Profile => setprofile::unset(py),
        }
    }

    /// Name for the profile.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Monitoring => "sys.monitoring",
            Self::Evaluation => "frame evaluation",
            Self::Profile => "profile function",
        }
    }
}

/// Whether a function's own frame stands on the stack when its begin is announced.
pub(super) fn frame_stands_at_begin() -> bool {
    ACTIVE.load(Ordering::Relaxed) != Hooks::Evaluation as u8 + 1
}

/// Whether the end of a frame is announced that began before the hooks were set.
pub(super) fn see_ends_of_all() -> bool {
    frame_stands_at_begin()
}
