//! The agent of this process: starting, pausing around a fork, following it, ending.
//!
//! There is at most one per process. The caller (the Python extension) calls everything here with
//! the GIL held, so calls never overlap; no lock is taken that a fork could leave held.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use pyrometer_model::{Incarnation, Worker};
use pyrometer_unwind::{AttachError, Target};

use crate::clock;
use crate::directory::{self, Names};
use crate::endpoint::{Endpoint, EndpointError};
use crate::options::{OptionError, Options};
use crate::sampler::Sampler;
use crate::shared::{Shared, State};
use crate::spool;
use crate::wake::Wake;
use crate::windows::Windows;

/// Stack of each of our threads. They recurse nowhere.
const THREAD_STACK_BYTES: usize = 512 << 10;

/// Why the agent was not started. The process goes on unprofiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An option is out of range.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The interpreter cannot be read.
    #[error(transparent)]
    Interpreter(#[from] AttachError),
    /// The endpoint cannot be opened.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system refused a thread or a descriptor.
    #[error("the system has no room for the agent: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// What a user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Option(_) => {
                "the options of start() and PYROMETER_* are described in docs/reference/options.md"
            }
            Self::Interpreter(_) => "CPython 3.9 to 3.15 with the GIL, on 64-bit Linux, can be profiled",
            Self::Endpoint(EndpointError::Listen { .. }) => {
                "choose another PYROMETER_LISTEN, or port 0 for any"
            }
            Self::Endpoint(_) => "set PYROMETER_DIR to a short path of a directory that this user may write",
            Self::System(_) => "check the limits on processes and open files (ulimit -u, ulimit -n)",
        }
    }
}

/// A running thread of ours, and what it hands back when it ends.
type Thread<T> = JoinHandle<Option<T>>;

#[derive(Debug)]
enum Part<T> {
    Parked(T),
    Running(Thread<T>),
    /// Its thread panicked or could not be started again.
    Lost,
}

/// The agent. Dropping it stops its threads and closes its endpoint.
#[derive(Debug)]
pub struct Agent {
    shared: Arc<Shared>,
    directory: PathBuf,
    names: Names,
    sampler: Part<Sampler>,
    endpoint: Part<Endpoint>,
    sampler_wake: Arc<Wake>,
    endpoint_wake: Arc<Wake>,
    socket: PathBuf,
    tcp_address: Option<std::net::SocketAddr>,
    inherited_fds: Vec<i32>,
}

impl Agent {
    /// Starts sampling and serving in this process. Cost: about 1 ms.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left behind then.
    pub fn start(options: Options, program: &str) -> Result<Self, StartError> {
        options.check()?;
        let target = Target::own_process()?;
        let started = clock::wall();
        let directory = options.directory.clone().unwrap_or_else(directory::default_path);
        let names = Names {
            pid: std::process::id(),
            started,
        };
        let endpoint = Endpoint::open(&directory, &names, &options)?;
        let worker = worker(&options, program, &target.version().to_string(), &names);
        let shared = Arc::new(Shared::new(worker, options, Windows::new(started)));
        let sampler = Sampler::new(target, &shared, started);
        let (sampler_wake, endpoint_wake) = (Arc::new(Wake::new()?), Arc::new(Wake::new()?));
        let wakes = [sampler_wake.as_raw_fd(), endpoint_wake.as_raw_fd()];
        let mut agent = Self {
            shared,
            directory,
            names,
            sampler_wake,
            endpoint_wake,
            socket: endpoint.path().to_owned(),
            tcp_address: endpoint.tcp_address(),
            inherited_fds: endpoint.raw_fds().into_iter().chain(wakes).collect(),
            sampler: Part::Parked(sampler),
            endpoint: Part::Parked(endpoint),
        };
        agent.resume()?;
        Ok(agent)
    }

    /// Who this process is to a collector.
    #[must_use]
    pub fn worker(&self) -> &Worker {
        &self.shared.worker
    }

    /// Whether threads of pools are to stand under the code that submitted their work.
    #[must_use]
    pub fn joins_threads(&self) -> bool {
        self.shared.options.join_threads
    }

    /// How the agent is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Path of the Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The TCP address really bound, if one was asked for.
    #[must_use]
    pub fn tcp_address(&self) -> Option<std::net::SocketAddr> {
        self.tcp_address
    }

    /// Ends both threads but keeps everything they had, so that a fork meets no thread of ours.
    /// Cost: about 0.1 ms.
    pub fn pause(&mut self) {
        if !self.is_of_this_process() {
            return;
        }
        self.shared.set_stopping(true);
        park(&mut self.sampler, &self.sampler_wake);
        park(&mut self.endpoint, &self.endpoint_wake);
    }

    /// Starts the threads again after [`Agent::pause`].
    ///
    /// # Errors
    /// When the system refuses a thread; what was collected stays, nothing more is.
    pub fn resume(&mut self) -> io::Result<()> {
        if !self.is_of_this_process() {
            return Ok(());
        }
        self.shared.set_stopping(false);
        self.sampler_wake.clear();
        self.endpoint_wake.clear();
        let (shared, wake) = (Arc::clone(&self.shared), Arc::clone(&self.sampler_wake));
        unpark(&mut self.sampler, "pyro-sampler", &self.shared, move |sampler| {
            sampler.run(&shared, &wake)
        })?;
        let (shared, wake) = (Arc::clone(&self.shared), Arc::clone(&self.endpoint_wake));
        unpark(
            &mut self.endpoint,
            "pyro-endpoint",
            &self.shared,
            move |endpoint| endpoint.run(&shared, &wake),
        )
    }

    /// In a forked child: leaves the parent's agent alone and starts one for this process.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub fn follow_fork(self, program: &str) -> Result<Self, StartError> {
        let options = self.shared.options.clone();
        self.abandon();
        Self::start(options, program)
    }

    /// In a forked child: closes what was inherited, and neither waits for a thread nor takes a
    /// lock, since neither may exist here.
    fn abandon(mut self) {
        match (
            std::mem::replace(&mut self.sampler, Part::Lost),
            std::mem::replace(&mut self.endpoint, Part::Lost),
        ) {
            (Part::Parked(sampler), Part::Parked(endpoint)) => {
                drop(sampler);
                endpoint.abandon();
            }
            (sampler, endpoint) => {
                // Threads were running: whatever they held is left as it was. One ring at most.
                for fd in self
                    .inherited_fds
                    .iter()
                    .copied()
                    .chain(self.shared.indirect_fd())
                {
                    // SAFETY: these are this process's copies of the parent's descriptors; the
                    // owners that would close them are forgotten below.
                    unsafe { libc::close(fd) };
                }
                std::mem::forget((sampler, endpoint));
                std::mem::forget(self);
            }
        }
    }

    /// False in a child that C code forked, where nobody told us: the threads are the parent's.
    fn is_of_this_process(&self) -> bool {
        std::process::id() == self.names.pid
    }

    /// At the end of the process: closes the last window and leaves it where a collector finds it.
    /// Cost: under 1 ms plus the write of at most 256 KiB.
    pub fn finish(mut self) {
        if !self.is_of_this_process() {
            return self.abandon();
        }
        self.pause();
        if let Part::Parked(sampler) = &mut self.sampler {
            sampler.finish(&self.shared);
            spool::write(&self.directory, &self.names, &self.shared);
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.is_of_this_process() {
            self.pause();
        } else {
            let parts = (
                std::mem::replace(&mut self.sampler, Part::Lost),
                std::mem::replace(&mut self.endpoint, Part::Lost),
            );
            std::mem::forget(parts);
        }
    }
}

fn worker(options: &Options, program: &str, python: &str, names: &Names) -> Worker {
    let host = host_name();
    let service = options
        .service
        .clone()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| program.to_owned());
    Worker {
        incarnation: Incarnation(format!("{host}/{}/{}", names.pid, names.started.0)),
        pid: names.pid,
        host,
        service: if service.is_empty() {
            "python".to_owned()
        } else {
            service
        },
        python: python.to_owned(),
        labels: options.labels.clone(),
        started: names.started,
        rate_hz: options.rate_hz,
    }
}

fn host_name() -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is writable for its length minus the last byte, which stays 0.
    let done = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } == 0;
    let end = buffer.iter().position(|&byte| byte == 0).unwrap_or(0);
    if done && end > 0 {
        String::from_utf8_lossy(&buffer[..end]).into_owned()
    } else {
        "localhost".to_owned()
    }
}

/// Ends a thread and keeps its state. Does nothing where none runs: in a forked child the flag that
/// would wake one is still shared with the parent.
fn park<T>(part: &mut Part<T>, wake: &Wake) {
    if !matches!(part, Part::Running(_)) {
        return;
    }
    wake.raise();
    if let Part::Running(thread) = std::mem::replace(part, Part::Lost)
        && let Ok(Some(state)) = thread.join()
    {
        *part = Part::Parked(state);
    }
}

/// Runs `body` on a thread that handles no signal and lets no panic out.
fn unpark<T: Send + 'static>(
    part: &mut Part<T>,
    name: &str,
    shared: &Arc<Shared>,
    mut body: impl FnMut(&mut T) + Send + 'static,
) -> io::Result<()> {
    let Part::Parked(_) = part else { return Ok(()) };
    let Part::Parked(mut state) = std::mem::replace(part, Part::Lost) else {
        return Ok(());
    };
    let shared = Arc::clone(shared);
    let guarded = move || {
        let run = std::panic::AssertUnwindSafe(|| body(&mut state));
        match std::panic::catch_unwind(run) {
            Ok(()) => Some(state),
            Err(_) => {
                shared.set_state(State::Panicked);
                None
            }
        }
    };
    let thread = with_signals_blocked(|| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(guarded)
    })?;
    *part = Part::Running(thread);
    Ok(())
}

/// A new thread inherits the signal mask: with all signals blocked while it is made, every signal
/// goes on to reach the threads of the program only.
fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain data, initialised by sigfillset and pthread_sigmask.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let result = action();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}
