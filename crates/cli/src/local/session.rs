//! The thread that samples, and what it has seen so far.
//!
//! Sampling has a thread of its own, so that a slow terminal does not hold it up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use pyrometer_agent::outside::{Counted, Observations, Observer, Timeline};
use pyrometer_formats::Recording;
use pyrometer_model::UnixNanos;
use pyrometer_unwind::AttachError;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// A running thread that samples.
pub(super) struct Session {
    shared: Arc<Shared>,
    thread: JoinHandle<Observer>,
    began: Instant,
    began_at: UnixNanos,
}

struct Shared {
    observations: Mutex<Observations>,
    processes: AtomicUsize,
    is_over: AtomicBool,
    shall_stop: AtomicBool,
}

impl Shared {
    fn observations(&self) -> MutexGuard<'_, Observations> {
        // Whole after a panic as well: each update is a plain addition.
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left when sampling has ended.
pub(super) struct Outcome {
    pub(super) observations: Observations,
    pub(super) error: Option<AttachError>,
    /// Whether the sampler ended by a fault of ours.
    pub(super) has_failed: bool,
    pub(super) lasted: Duration,
    pub(super) began_at: UnixNanos,
}

impl Session {
    pub(super) fn start(mut observer: Observer, observations: Observations) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            observations: Mutex::new(observations),
            processes: AtomicUsize::new(observer.processes()),
            is_over: AtomicBool::new(false),
            shall_stop: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let sample = move || {
            while !theirs.shall_stop.load(Ordering::Relaxed) && !observer.is_over() {
                if observer.wait() {
                    observer.tick(&mut theirs.observations());
                    theirs.processes.store(observer.processes(), Ordering::Relaxed);
                }
            }
            observer.finish(&mut theirs.observations());
            theirs.is_over.store(true, Ordering::Relaxed);
            observer
        };
        Ok(Self {
            thread: std::thread::Builder::new()
                .name("sampler".to_owned())
                .spawn(sample)?,
            shared,
            began: Instant::now(),
            began_at: now(),
        })
    }

    /// What was seen so far. Sampling waits while it is held.
    pub(super) fn observations(&self) -> MutexGuard<'_, Observations> {
        self.shared.observations()
    }

    /// How many processes are read now.
    pub(super) fn processes(&self) -> usize {
        self.shared.processes.load(Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether no process is left to read, or the sampler gave up.
    pub(super) fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Ends sampling.
    pub(super) fn stop(self) -> Outcome {
        self.shared.shall_stop.store(true, Ordering::Relaxed);
        let observer = self.thread.join();
        let has_failed = observer.is_err();
        let error = observer.ok().and_then(Observer::into_error);
        let empty = Observations::new("", 1, Timeline::Left, Counted::All);
        let observations = std::mem::replace(&mut *self.shared.observations(), empty);
        Outcome {
            observations,
            error,
            has_failed,
            lasted: self.began.elapsed(),
            began_at: self.began_at,
        }
    }
}

impl Outcome {
    pub(super) fn into_recording(self) -> Recording {
        let end = UnixNanos(self.began_at.0 + self.lasted.as_nanos() as u64);
        self.observations.finish(self.began_at, end)
    }
}

fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixNanos(since.map_or(0, |since| since.as_nanos() as u64))
}

/// Signals that ask for an end, counted instead of obeyed.
pub(super) struct Signals {
    interrupted: Arc<AtomicUsize>,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn catch() -> std::io::Result<Self> {
        let signals = Self {
            interrupted: Arc::default(),
            terminated: Arc::default(),
        };
        let count = Arc::clone(&signals.interrupted);
        let mut interrupts = signal_hook::iterator::Signals::new([SIGINT, SIGHUP])?;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for _ in interrupts.forever() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })?;
        signal_hook::flag::register(SIGTERM, Arc::clone(&signals.terminated))?;
        Ok(signals)
    }

    /// How many times Ctrl-C was pressed.
    pub(super) fn interrupts(&self) -> usize {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether SIGTERM came since the last call.
    pub(super) fn take_terminated(&self) -> bool {
        self.terminated.swap(false, Ordering::Relaxed)
    }
}
