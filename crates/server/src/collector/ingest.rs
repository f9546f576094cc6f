//! Bytes of an answer → checked windows → store.
//!
//! An answer is taken whole or not at all. When the store cannot take it, collecting pauses: no
//! target is asked until the pause is over, so the windows stay in the rings of the workers, and
//! one attempt after a growing time tells whether the store has recovered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use pyrometer_formats::feed::{Feed, FeedError};
use pyrometer_model::{Span, Window, WindowHealth, Worker};
use pyrometer_store::{Misfit, Session, Store, StoreError};
use tokio::sync::Semaphore;

use super::blocking;
use super::fetch::FetchError;
use crate::server::now;

/// Answers decoded at once: bounds the memory for them.
const MAX_DECODING: usize = 4;

/// First and longest wait between attempts to store.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How far a window may lie in the future or the past, by this machine's clock.
const MAX_CLOCK_ERROR_NS: (u64, u64) = (86_400_000_000_000, 366 * 86_400_000_000_000);

/// Why a poll brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum IngestError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error("window {0} lies more than a day in the future or a year in the past")]
    Clock(u64),
    #[error("collecting is paused")]
    Paused,
}

impl IngestError {
    pub(super) fn is_invalid(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_invalid(),
            Self::Feed(_) | Self::Misfit(_) | Self::Clock(_) => true,
            Self::Paused => false,
        }
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(error) => error.hint(),
            Self::Feed(FeedError::NotAFeed) => Some("is this the endpoint of a pyrometer worker?"),
            Self::Feed(FeedError::Version(_)) => Some("worker and server must run versions that fit"),
            Self::Feed(_) | Self::Misfit(_) => Some("the answer was dropped whole and is asked for again"),
            Self::Clock(_) => Some("set the clock of the worker's host, or of this one"),
            Self::Paused => None,
        }
    }
}

/// What a poll brought.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) worker: Worker,
    pub(super) last: Option<(Span, WindowHealth)>,
}

/// The way into the store.
#[derive(Debug)]
pub(super) struct Ingest {
    store: StoreHandle,
    decoding: Semaphore,
    pub(super) pause: Arc<Pause>,
}

#[derive(Clone)]
struct StoreHandle(Arc<dyn Store>);

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Store")
    }
}

impl Ingest {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store: StoreHandle(store),
            decoding: Semaphore::new(MAX_DECODING),
            pause: Arc::default(),
        }
    }

    /// Last stored window of a session's worker.
    pub(super) fn cursor(&self, session: &Session) -> u64 {
        self.store.0.cursor(&session.worker().incarnation)
    }

    /// Stores an answer. The session comes back if it may be used for the next one.
    pub(super) async fn store(
        &self,
        bytes: Bytes,
        session: Option<Session>,
    ) -> (Option<Session>, Result<Delivered, IngestError>) {
        // Closed never: the semaphore lives as long as self.
        let Ok(_permit) = self.decoding.acquire().await else {
            return (session, Err(IngestError::Paused));
        };
        let (store, pause) = (self.store.clone(), Arc::clone(&self.pause));
        blocking(move || store_now(&*store.0, &pause, &bytes, session)).await
    }
}

fn store_now(
    store: &dyn Store,
    pause: &Pause,
    bytes: &[u8],
    session: Option<Session>,
) -> (Option<Session>, Result<Delivered, IngestError>) {
    let feed = match Feed::decode(bytes) {
        Ok(feed) => feed,
        Err(error) => return (None, Err(error.into())),
    };
    if let Some(seq) = feed
        .windows
        .iter()
        .find(|window| !is_plausible(window))
        .map(|window| window.seq)
    {
        return (None, Err(IngestError::Clock(seq)));
    }
    let mut session = session.unwrap_or_else(|| Session::new(feed.worker.clone()));
    if let Err(error) = session.accept(&feed.worker, feed.generations, &feed.windows) {
        return (None, Err(error.into()));
    }
    match store.append(&mut session, &feed.windows) {
        Ok(_) => {
            pause.over();
            let last = feed.windows.last().map(|window| (window.span, window.health));
            (
                Some(session),
                Ok(Delivered {
                    worker: feed.worker,
                    last,
                }),
            )
        }
        Err(error) => {
            pause.begin(&error);
            (Some(session), Err(IngestError::Paused))
        }
    }
}

fn is_plausible(window: &Window) -> bool {
    let (ahead, behind) = MAX_CLOCK_ERROR_NS;
    let (now, start) = (now().0, window.span.start.0);
    start <= now.saturating_add(ahead) && start >= now.saturating_sub(behind)
}

/// Why nothing is stored, for people.
#[derive(Clone, Debug)]
pub(crate) struct PauseReason {
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// Whether the store takes nothing at the moment.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<Option<Paused>>);

#[derive(Debug)]
struct Paused {
    reason: PauseReason,
    until: Instant,
    wait: Duration,
}

impl Pause {
    fn begin(&self, error: &StoreError) {
        let reason = PauseReason {
            reason: error.to_string(),
            hint: error.hint().map(Into::into),
        };
        let mut paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let wait = match &*paused {
            None => BACK_OFF.0,
            // Others that were under way when the pause began: one failure, not many.
            Some(before) if now < before.until => return,
            Some(before) => (before.wait * 2).min(BACK_OFF.1),
        };
        tracing::error!(
            reason = reason.reason,
            hint = reason.hint,
            retry_seconds = wait.as_secs(),
            "PAUSED: nothing can be stored"
        );
        *paused = Some(Paused {
            reason,
            until: now + wait,
            wait,
        });
    }

    fn over(&self) {
        if self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .is_some()
        {
            tracing::info!("collecting again");
        }
    }

    /// How long to wait before the next attempt, `None` for not at all.
    pub(super) fn wait(&self) -> Option<Duration> {
        let paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = paused.as_ref()?.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    pub(super) fn reason(&self) -> Option<PauseReason> {
        let paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paused.as_ref().map(|paused| paused.reason.clone())
    }
}
