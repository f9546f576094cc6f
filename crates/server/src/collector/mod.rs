//! Collects: finds workers, polls each of them on its own, stores what they deliver.
//!
//! | module | does |
//! |---|---|
//! | this | one task per target, and the list of them |
//! | `discovery` | what lies in the socket directory |
//! | `fetch` | one request to one target, bounded in time and size |
//! | `ingest` | bytes → checked windows → store; pauses when the store cannot take them |
//! | `roster` | what is known of each worker, for `/api/v1/workers` |
//!
//! A target never waits for another: the only things they share are the store and the pause.

mod discovery;
mod fetch;
mod ingest;
mod roster;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyrometer_agent::directory::Names;
use pyrometer_store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use self::fetch::Ask;
pub(crate) use self::ingest::PauseReason;
use self::ingest::{Ingest, IngestError};
pub(crate) use self::roster::{Entry, Roster};
use crate::server::until_stopped;
use crate::{Config, Target};

/// Longest time that one poll of one target may take.
const POLL_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time that the last poll may take when the server stops.
const LAST_POLL_TIMEOUT: Duration = Duration::from_secs(2);

/// Distance of two looks into the socket directory.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The collector's shared state.
#[derive(Debug)]
pub(crate) struct Collector {
    targets: Vec<Target>,
    directory: Option<PathBuf>,
    interval: Duration,
    token: Option<String>,
    ingest: Ingest,
    pub(crate) roster: Roster,
}

/// A running task that polls one target.
struct Polling {
    /// Ends the task without a last poll.
    gone: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Collector {
    pub(crate) fn new(config: &Config, store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            targets: config.targets.clone(),
            directory: config.directory.clone(),
            interval: config.poll_interval.max(Duration::from_millis(10)),
            token: config.target_token.clone(),
            ingest: Ingest::new(store),
            roster: Roster::default(),
        })
    }

    /// Whether nothing can be stored at the moment, and why.
    pub(crate) fn pause(&self) -> Option<PauseReason> {
        self.ingest.pause.reason()
    }

    /// Runs until stopped; then every target has been polled once more.
    pub(crate) async fn run(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let mut fixed: Vec<Polling> = Vec::new();
        for target in self.targets.iter().collect::<HashSet<_>>() {
            fixed.push(self.start(target.clone(), None, &stopped));
        }
        let mut found: HashMap<discovery::Key, Polling> = HashMap::new();
        let mut spools = discovery::Spools::default();
        loop {
            if let Some(directory) = &self.directory {
                self.look(directory.clone(), &mut found, &mut spools, &stopped)
                    .await;
            }
            self.roster.forget_old();
            tokio::select! {
                () = until_stopped(stopped.clone()) => break,
                () = sleep(LOOK_INTERVAL) => {}
            }
        }
        for polling in fixed.into_iter().chain(found.into_values()) {
            // A task that panicked has been reported by the runtime; the others go on.
            let _ = polling.task.await;
        }
    }

    /// One look into the socket directory: starts, ends, reads what ended workers left.
    async fn look(
        self: &Arc<Self>,
        directory: PathBuf,
        found: &mut HashMap<discovery::Key, Polling>,
        spools: &mut discovery::Spools,
        stopped: &watch::Receiver<bool>,
    ) {
        let listing = match blocking(move || discovery::list(&directory)).await {
            Ok(listing) => listing,
            Err(error) => {
                tracing::warn!(%error, "the socket directory cannot be read");
                return;
            }
        };
        for (key, (names, path)) in &listing.sockets {
            if !found.contains_key(key) {
                let polling = self.start(Target::Unix(path.clone()), Some(names.clone()), stopped);
                found.insert(*key, polling);
            }
        }
        found.retain(|key, polling| {
            if !listing.sockets.contains_key(key) {
                let _ = polling.gone.send(true);
            }
            !polling.task.is_finished()
        });
        for (names, path) in listing.spools {
            // While its endpoint is polled the worker may still answer with more.
            if !found.contains_key(&discovery::key(&names)) {
                spools.read(self, &path).await;
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        target: Target,
        names: Option<Names>,
        stopped: &watch::Receiver<bool>,
    ) -> Polling {
        let (gone, is_gone) = watch::channel(false);
        self.roster.expect(&target);
        let task = tokio::spawn(Arc::clone(self).poll_on(target, names, stopped.clone(), is_gone));
        Polling { gone, task }
    }

    /// Polls one target until the server stops or the target is gone.
    async fn poll_on(
        self: Arc<Self>,
        target: Target,
        names: Option<Names>,
        stopped: watch::Receiver<bool>,
        gone: watch::Receiver<bool>,
    ) {
        let mut session = None;
        // Spread over a fifth of the interval, so that many targets are not asked in one instant.
        let spread = (self.interval.as_micros() as u64 / 5).max(1);
        let mut next = Instant::now() + Duration::from_micros(RandomState::new().hash_one(&target) % spread);
        loop {
            tokio::select! {
                () = until_stopped(stopped.clone()) => {
                    let last = self.poll(&target, &mut session);
                    let _ = timeout(LAST_POLL_TIMEOUT, last).await;
                    return;
                }
                () = until_stopped(gone.clone()) => break,
                () = tokio::time::sleep_until(next) => {}
            }
            next = Instant::now() + self.interval;
            if let Some(wait) = self.ingest.pause.wait() {
                next = Instant::now() + wait;
                continue;
            }
            let refused = tokio::select! {
                // Given up for the last poll, whose time is shorter.
                () = until_stopped(stopped.clone()) => continue,
                refused = self.poll(&target, &mut session) => refused,
            };
            if let (Refused::Yes, Some(names), Target::Unix(path)) = (refused, &names, &target) {
                let (names, path) = (names.clone(), path.clone());
                if blocking(move || discovery::remove_if_dead(&names, &path)).await {
                    break;
                }
            }
        }
        self.roster.exited(&target);
    }

    /// One poll. Whatever comes of it is in the roster afterwards.
    async fn poll(&self, target: &Target, session: &mut Option<pyrometer_store::Session>) -> Refused {
        let answer = timeout(POLL_TIMEOUT, self.ask_and_store(target, session)).await;
        let result = answer.unwrap_or_else(|_| {
            *session = None;
            Err(IngestError::Fetch(fetch::FetchError::Timeout))
        });
        match result {
            Ok(delivered) => {
                self.roster.delivered(target, delivered);
                Refused::No
            }
            Err(IngestError::Paused) => Refused::No,
            Err(error) => {
                let refused = matches!(&error, IngestError::Fetch(fetch::FetchError::Refused));
                self.roster.failed(target, &error);
                if refused { Refused::Yes } else { Refused::No }
            }
        }
    }

    /// Asks for what is new; an answer that does not fit is asked for once more, with all tables.
    async fn ask_and_store(
        &self,
        target: &Target,
        session: &mut Option<pyrometer_store::Session>,
    ) -> Result<ingest::Delivered, IngestError> {
        if session.is_some() {
            match self.ask_once(target, session).await {
                Err(IngestError::Feed(_) | IngestError::Misfit(_)) => self.roster.rejected(target),
                other => return other,
            }
        }
        self.ask_once(target, session).await
    }

    async fn ask_once(
        &self,
        target: &Target,
        session: &mut Option<pyrometer_store::Session>,
    ) -> Result<ingest::Delivered, IngestError> {
        let taken = session.take();
        let ask = match &taken {
            Some(session) => Ask {
                since: self.ingest.cursor(session),
                have: session.have(),
            },
            None => Ask { since: 0, have: None },
        };
        // A request that fails says nothing against the session; one that is cut off has lost it.
        let bytes = match fetch::fetch(target, ask, self.token.as_deref()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                *session = taken;
                return Err(error.into());
            }
        };
        let (kept, result) = self.ingest.store(bytes, taken).await;
        *session = kept;
        result
    }
}

/// Whether nobody listens at a target's address.
enum Refused {
    Yes,
    No,
}

/// Runs what blocks on a thread for that; a panic there is a bug and passes on.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
