//! What the threads of one agent share.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyrometer_model::Worker;

use crate::options::Options;
use crate::windows::Windows;

/// How the agent of this process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Samples are taken and windows closed.
    Running = 0,
    /// The interpreter can no longer be read; what was collected is still served.
    Failed = 1,
    /// The process has run out of memory once; the agent has stopped so as not to ask for more.
    OutOfMemory = 3,
    /// A defect of the agent was caught; it has stopped and the process goes on without it.
    Panicked = 2,
}

impl State {
    /// The state in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::OutOfMemory => "out of memory",
        }
    }
}

/// The part of an agent that its threads see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) worker: Worker,
    pub(crate) options: Options,
    windows: Mutex<Windows>,
    stopping: AtomicBool,
    state: AtomicU8,
    /// The file that memory is read through where the direct way is forbidden, or -1.
    indirect_fd: AtomicI32,
}

impl Shared {
    pub(crate) fn new(worker: Worker, options: Options, windows: Windows) -> Self {
        Self {
            worker,
            options,
            windows: Mutex::new(windows),
            stopping: AtomicBool::new(false),
            state: AtomicU8::new(State::Running as u8),
            indirect_fd: AtomicI32::new(-1),
        }
    }

    /// The windows. Held for microseconds only. A panic while it was held has already disabled the
    /// agent; what is there is still served.
    pub(crate) fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the threads have been asked to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn set_stopping(&self, stopping: bool) {
        self.stopping.store(stopping, Ordering::Release);
    }

    /// What [`pyrometer_unwind::OwnProcess::indirect_fd`] said last.
    pub(crate) fn indirect_fd(&self) -> Option<RawFd> {
        Some(self.indirect_fd.load(Ordering::Relaxed)).filter(|fd| *fd >= 0)
    }

    pub(crate) fn set_indirect_fd(&self, fd: Option<RawFd>) {
        self.indirect_fd.store(fd.unwrap_or(-1), Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Running,
            1 => State::Failed,
            3 => State::OutOfMemory,
            _ => State::Panicked,
        }
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }
}
