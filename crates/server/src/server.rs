//! Puts the parts together: store, collector, retention, HTTP; and takes them down in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyrometer_model::UnixNanos;
use pyrometer_store::{Retention, SqliteStore, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::collector::Collector;
use crate::{Config, ServeError, api};

/// Open requests get this long to end, once everything else has.
const GRACE: Duration = Duration::from_secs(2);

/// Distance of two looks at the bounds of what is kept.
const RETENTION_INTERVAL: Duration = Duration::from_secs(600);

/// A server that has its data and its address, and does not run yet.
#[derive(Debug)]
pub struct Server {
    config: Config,
    store: Arc<SqliteStore>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the data directory, the socket directory and the address.
    ///
    /// # Errors
    /// [`ServeError`]; nothing is left running.
    pub async fn bind(mut config: Config) -> Result<Self, ServeError> {
        // An empty token would let everybody in who shows none.
        config.token = config.token.filter(|token| !token.is_empty());
        if !config.listen.ip().is_loopback() && config.token.is_none() && !config.insecure {
            return Err(ServeError::Unprotected(config.listen));
        }
        if let Some(directory) = &config.directory {
            pyrometer_agent::directory::prepare(directory)?;
        }
        let data = config.data.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&data)).await;
        let store = Arc::new(opened.map_err(|error| ServeError::Stopped(error.to_string()))??);
        let listen = |source| ServeError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            config,
            store,
            listener,
            address,
        })
    }

    /// The address that was really bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `shutdown` ends; then polls every worker once more (2 seconds at most), ends open
    /// requests and closes the store.
    ///
    /// # Errors
    /// [`ServeError::Stopped`] if the listener breaks.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let (stop, stopped) = watch::channel(false);
        let collector = Collector::new(&self.config, Arc::clone(&self.store) as Arc<dyn Store>);
        let collecting = tokio::spawn(Arc::clone(&collector).run(stopped.clone()));
        let retaining = tokio::spawn(retain(
            Arc::clone(&self.store),
            self.config.retention,
            stopped.clone(),
        ));
        let router = api::router(
            &self.config,
            self.address,
            Arc::clone(&self.store) as Arc<dyn Store>,
            collector,
        );
        let mut answering = tokio::spawn(answer(self.listener, router, stopped));
        tracing::info!(address = %self.address, data = %self.config.data.display(), "serving");

        let ended = tokio::select! {
            () = shutdown => None,
            ended = &mut answering => Some(ended),
        };
        // Nobody listens only if every task has ended already.
        let _ = stop.send(true);
        tracing::info!("stopping: one last poll of every worker");
        let _ = collecting.await;
        let _ = retaining.await;
        if ended.is_none() && tokio::time::timeout(GRACE, &mut answering).await.is_err() {
            answering.abort();
        }
        match ended {
            Some(Ok(Err(error))) => Err(ServeError::Stopped(error.to_string())),
            Some(Err(error)) => Err(ServeError::Stopped(error.to_string())),
            _ => Ok(()),
        }
    }
}

/// Serves until `shutdown` ends. `ready` is told the address once it is bound.
///
/// # Errors
/// [`ServeError`], with a hint for the person who started it.
pub async fn serve(
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let server = Server::bind(config).await?;
    ready(server.address());
    server.run(shutdown).await
}

/// Ends at the first SIGTERM or SIGINT.
pub async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be waited for: end this process with SIGKILL, nothing is lost by it");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn answer(
    listener: TcpListener,
    router: axum::Router,
    stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(until_stopped(stopped))
        .await
}

/// Ends when the server is asked to stop, or is gone.
pub(crate) async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}

async fn retain(store: Arc<SqliteStore>, retention: Retention, stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(RETENTION_INTERVAL);
    loop {
        tokio::select! {
            () = until_stopped(stopped.clone()) => return,
            _ = ticks.tick() => {}
        }
        let store = Arc::clone(&store);
        let task: JoinHandle<_> = tokio::task::spawn_blocking(move || store.retain(now(), &retention));
        match task.await {
            Ok(Ok(days)) if days.is_empty() => {}
            Ok(Ok(days)) => {
                let days: Vec<String> = days.iter().map(|day| day.name()).collect();
                tracing::info!(days = days.join(" "), "deleted what is beyond the retention");
            }
            Ok(Err(error)) => tracing::error!(%error, "old days could not be deleted"),
            Err(error) => tracing::error!(%error, "deleting old days failed"),
        }
    }
}

/// The time of the wall clock.
pub(crate) fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
