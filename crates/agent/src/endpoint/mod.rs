//! The worker's endpoint: a small HTTP server on one thread, over a Unix socket and, if asked for,
//! TCP. It never blocks on a client, keeps at most [`MAX_CONNECTIONS`], and can be stopped between
//! any two steps, so that the process can fork with no thread of ours in flight.

mod connection;
mod routes;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock;
use crate::directory::{self, DirectoryError, Names};
use crate::options::Options;
use crate::reserve;
use crate::shared::Shared;
use crate::wake::Wake;
use connection::{Connection, Readable, Stream};

/// Most clients at once; more wait in the kernel's queue.
pub(crate) const MAX_CONNECTIONS: usize = 8;

/// Why the endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The socket directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The Unix socket could not be made.
    #[error("the socket {path} cannot be opened: {source}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The TCP address cannot be used.
    #[error("the address {address} cannot be listened on: {source}")]
    Listen {
        /// The address as asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Open listeners and their clients. Dropping it closes them and removes the socket.
#[derive(Debug)]
pub(crate) struct Endpoint {
    unix: UnixListener,
    path: PathBuf,
    tcp: Option<TcpListener>,
    connections: Vec<Connection>,
}

impl Endpoint {
    /// Opens the socket of this incarnation in `directory`, and the TCP address if there is one.
    pub(crate) fn open(directory: &Path, names: &Names, options: &Options) -> Result<Self, EndpointError> {
        directory::prepare(directory)?;
        let path = names.socket(directory);
        let tcp = match &options.listen {
            Some(address) => Some(listen_tcp(address)?),
            None => None,
        };
        let socket = |source| EndpointError::Socket {
            path: path.clone(),
            source,
        };
        let unix = UnixListener::bind(&path).map_err(socket)?;
        let endpoint = Self {
            unix,
            path,
            tcp,
            connections: Vec::new(),
        };
        endpoint
            .unix
            .set_nonblocking(true)
            .map_err(|source| EndpointError::Socket {
                path: endpoint.path.clone(),
                source,
            })?;
        Ok(endpoint)
    }

    /// Path of the Unix socket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The TCP address really bound.
    pub(crate) fn tcp_address(&self) -> Option<std::net::SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until the agent is told to pause or stop.
    pub(crate) fn run(&mut self, shared: &Arc<Shared>, wake: &Wake) {
        while !shared.is_stopping() {
            if reserve::is_drawn_on() {
                return self.refuse();
            }
            let mut polled = self.poll_set(wake);
            poll(&mut polled, self.timeout_ms());
            wake.clear();
            let now_ns = clock::monotonic_ns();
            let ready = |fd: RawFd| polled.iter().any(|entry| entry.fd == fd && entry.revents != 0);
            for connection in &mut self.connections {
                let readable = if ready(connection.raw_fd()) {
                    Readable::Yes
                } else {
                    Readable::No
                };
                connection.advance(
                    readable,
                    now_ns,
                    |request| routes::answer(shared, request),
                    |later| routes::finish_pprof(shared, later),
                );
            }
            for later in self.connections.iter().filter_map(Connection::left_behind) {
                shared.windows().close_tap(later.tap);
            }
            self.connections.retain(|connection| !connection.is_done());
            self.accept(now_ns);
        }
    }

    /// Turns clients away from now on, those that wait to be accepted, too.
    fn refuse(&mut self) {
        self.connections.clear();
        for fd in self.raw_fds() {
            // SAFETY: a listener of ours. Nothing depends on whether it was one still.
            unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
        }
    }

    fn poll_set(&self, wake: &Wake) -> Vec<libc::pollfd> {
        let entry = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let mut polled = vec![entry(wake.as_raw_fd(), libc::POLLIN)];
        if self.connections.len() < MAX_CONNECTIONS {
            polled.push(entry(self.unix.as_raw_fd(), libc::POLLIN));
            polled.extend(self.tcp.as_ref().map(|tcp| entry(tcp.as_raw_fd(), libc::POLLIN)));
        }
        polled.extend(
            self.connections
                .iter()
                .map(|client| entry(client.raw_fd(), client.interest())),
        );
        polled
    }

    /// Milliseconds until a client has to be looked at; -1 for never.
    fn timeout_ms(&self) -> i32 {
        let now_ns = clock::monotonic_ns();
        let due = self.connections.iter().map(Connection::due_ns).min();
        due.map_or(-1, |due| {
            (due.saturating_sub(now_ns) / 1_000_000 + 1).min(60_000) as i32
        })
    }

    fn accept(&mut self, now_ns: u64) {
        while self.connections.len() < MAX_CONNECTIONS {
            let unix = self.unix.accept().map(|(stream, _)| Stream::Unix(stream)).ok();
            let tcp = || {
                let accepted = self.tcp.as_ref()?.accept().ok()?;
                Some(Stream::Tcp(accepted.0))
            };
            let Some(stream) = unix.or_else(tcp) else { return };
            let nonblocking = match &stream {
                Stream::Unix(stream) => stream.set_nonblocking(true),
                Stream::Tcp(stream) => stream.set_nonblocking(true),
            };
            if nonblocking.is_ok() {
                self.connections.push(Connection::new(stream, now_ns));
            }
        }
    }

    /// All descriptors that a forked child must not keep.
    pub(crate) fn raw_fds(&self) -> Vec<RawFd> {
        let tcp = self.tcp.as_ref().map(AsRawFd::as_raw_fd);
        [self.unix.as_raw_fd()].into_iter().chain(tcp).collect()
    }

    /// Closes everything but leaves the socket's name alone: in a forked child it is the parent's.
    pub(crate) fn abandon(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // The name may be gone already; then there is nothing to do.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// One connection from its first byte to its end, as [`Endpoint::run`] serves it. `step` is called after
/// each advance and says whether the client has sent more.
#[cfg(fuzzing)]
pub(crate) fn exchange(
    shared: &Shared,
    stream: std::os::unix::net::UnixStream,
    mut step: impl FnMut() -> bool,
) {
    let mut connection = Connection::new(Stream::Unix(stream), clock::monotonic_ns());
    while step() && !connection.is_done() {
        connection.advance(
            Readable::Yes,
            clock::monotonic_ns(),
            |request| routes::answer(shared, request),
            |later| routes::finish_pprof(shared, later),
        );
    }
    step();
}

fn listen_tcp(address: &str) -> Result<TcpListener, EndpointError> {
    let error = |source| EndpointError::Listen {
        address: address.to_owned(),
        source,
    };
    let listener = TcpListener::bind(address).map_err(error)?;
    listener.set_nonblocking(true).map_err(error)?;
    Ok(listener)
}

fn poll(entries: &mut [libc::pollfd], timeout_ms: i32) {
    let count = entries.len() as libc::nfds_t;
    // SAFETY: `entries` is a valid array of `count` pollfds for the whole call. An error leaves
    // revents at 0: the loop then looks at deadlines only.
    unsafe { libc::poll(entries.as_mut_ptr(), count, timeout_ms) };
}
