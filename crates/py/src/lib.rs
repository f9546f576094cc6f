//! `pyrometer._native`: the agent as a Python extension. Glue only.
//!
//! Built against the stable ABI, so one file serves every CPython from 3.9 on, wherever it is
//! installed. Everything here runs with the GIL held, and nothing here raises: an agent that cannot
//! start is a problem told in words, never an exception in somebody's service.
//!
//! # Fork
//! A fork from the main thread meets no thread of ours: they are ended before it and started again
//! once `os.fork()` has returned, by a pending call, so that the interpreter's own check for
//! threads at a fork sees none. A fork from another thread leaves them running. The child always
//! starts an agent of its own.
#![deny(unsafe_op_in_unsafe_fn)]

mod greenlets;
mod labels;
mod recorder;
mod tasks;
mod threads;

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyrometer_agent::{Agent, Options, Reserve};

/// The process must outlive a lack of memory.
#[global_allocator]
static ALLOCATOR: Reserve = Reserve;

/// The agent of this process and the name of its program.
///
/// Only ever taken with the GIL held and for the length of one call, by [`with_agent`], which never
/// waits; so a fork cannot leave it held.
static AGENT: Mutex<Option<Slot>> = Mutex::new(None);

struct Slot {
    agent: Agent,
    program: String,
}

/// Runs `action` on the slot, unless it is taken or the action panics: then `None`.
fn with_agent<T>(action: impl FnOnce(&mut Option<Slot>) -> T) -> Option<T> {
    let mut slot = AGENT.try_lock().ok()?;
    catch_unwind(AssertUnwindSafe(|| action(&mut slot))).ok()
}

/// What `start` hands back: the agent's face, or why there is none.
#[pyclass(frozen, get_all, module = "pyrometer._native")]
struct Status {
    /// Whether an agent runs in this process.
    running: bool,
    /// What stood in the way, and what to do about it; both `None` when it runs.
    problem: Option<String>,
    hint: Option<String>,
    incarnation: Option<String>,
    service: Option<String>,
    socket: Option<String>,
    address: Option<String>,
}

impl Status {
    fn of(slot: Option<&Slot>) -> Self {
        let agent = slot.map(|slot| &slot.agent);
        Self {
            running: agent.is_some_and(|agent| agent.state() == pyrometer_agent::State::Running),
            problem: None,
            hint: None,
            incarnation: agent.map(|agent| agent.worker().incarnation.0.clone()),
            service: agent.map(|agent| agent.worker().service.clone()),
            socket: agent.map(|agent| agent.socket().display().to_string()),
            address: agent
                .and_then(Agent::tcp_address)
                .map(|address| address.to_string()),
        }
    }

    fn refused(problem: String, hint: &str) -> Self {
        Self {
            problem: Some(problem),
            hint: Some(hint.to_owned()),
            ..Self::of(None)
        }
    }
}

/// Options as Python gives them; `None` leaves what the environment or the default says.
#[derive(FromPyObject)]
struct Given {
    #[pyo3(item)]
    service: Option<String>,
    #[pyo3(item)]
    rate: Option<u32>,
    #[pyo3(item)]
    labels: Option<Vec<(String, String)>>,
    #[pyo3(item)]
    directory: Option<PathBuf>,
    #[pyo3(item)]
    listen: Option<String>,
    #[pyo3(item)]
    token: Option<String>,
    #[pyo3(item)]
    budget: Option<f64>,
    #[pyo3(item)]
    join_threads: Option<bool>,
}

impl Given {
    fn over(self, environment: Options) -> Options {
        let mut labels = environment.labels;
        self.labels
            .into_iter()
            .flatten()
            .for_each(|(name, value)| labels.set(name, value));
        Options {
            service: self.service.or(environment.service),
            rate_hz: self.rate.unwrap_or(environment.rate_hz),
            labels,
            directory: self.directory.or(environment.directory),
            listen: self.listen.or(environment.listen),
            token: self.token.or(environment.token),
            budget: self.budget.unwrap_or(environment.budget),
            join_threads: self.join_threads.unwrap_or(environment.join_threads),
        }
    }
}

/// Starts the agent, or hands back the one that runs.
#[pyfunction]
fn start(py: Python<'_>, given: Given, program: String) -> Status {
    let started = with_agent(|slot| {
        if slot.is_none() {
            let options = Options::from_environment(|name| std::env::var(name).ok());
            let options = match options {
                Ok(environment) => given.over(environment),
                Err(error) => return Status::refused(error.to_string(), "see docs/reference/options.md"),
            };
            match Agent::start(options, &program) {
                Ok(agent) => *slot = Some(Slot { agent, program }),
                Err(error) => return Status::refused(error.to_string(), error.hint()),
            }
        }
        Status::of(slot.as_ref())
    });
    if started.as_ref().is_some_and(|status| status.running) {
        if with_agent(|slot| slot.as_ref().is_some_and(|slot| slot.agent.joins_threads())) == Some(true) {
            threads::want();
        }
        tasks::begin(py);
    }
    started.unwrap_or_else(|| Status::refused("a defect in the agent".into(), "please report it"))
}

/// How the agent of this process is doing.
#[pyfunction]
fn status() -> Status {
    with_agent(|slot| Status::of(slot.as_ref())).unwrap_or_else(|| Status::of(None))
}

/// Ends the agent; its last window is spooled for the collector. Does nothing without one.
#[pyfunction]
fn stop(py: Python<'_>) {
    tasks::end(py);
    with_agent(|slot| {
        if let Some(slot) = slot.take() {
            slot.agent.finish();
        }
    });
}

/// `os._exit` that leaves the last window for the collector first, as the end by `sys.exit` does.
/// Refuses what `os._exit` refuses, in the same words.
#[pyfunction]
#[pyo3(name = "_exit")]
fn exit(py: Python<'_>, status: c_int) {
    stop(py);
    // SAFETY: what `os._exit` does: the process ends here, without handlers or buffers.
    unsafe { libc::_exit(status) }
}

#[pyfunction]
fn before_fork() {
    if is_main_thread() {
        with_agent(|slot| {
            if let Some(slot) = slot {
                slot.agent.pause();
            }
        });
    }
}

#[pyfunction]
fn after_fork_in_parent() {
    let nothing = std::ptr::null_mut();
    // SAFETY: called with the GIL held; `resume` has the right type and ignores its argument. A
    // full queue is an error code.
    let queue = || unsafe { pyo3::ffi::Py_AddPendingCall(Some(resume), nothing) };
    if !is_main_thread() || queue() != 0 {
        resume(nothing);
    }
}

extern "C" fn resume(_argument: *mut c_void) -> c_int {
    with_agent(|slot| {
        if let Some(slot) = slot {
            // Without a thread the agent stays paused: the process goes on unprofiled.
            let _ = slot.agent.resume();
        }
    });
    0
}

#[pyfunction]
fn after_fork_in_child() {
    with_agent(|slot| {
        if let Some(Slot { agent, program }) = slot.take()
            && let Ok(agent) = agent.follow_fork(&program)
        {
            *slot = Some(Slot { agent, program });
        }
    });
}

fn is_main_thread() -> bool {
    std::process::id() == thread_id()
}

fn thread_id() -> u32 {
    // The name of /proc/thread-self is resolved by the kernel: PID/task/TID.
    let link = std::fs::read_link("/proc/thread-self").ok();
    let name = link.as_deref().and_then(|path| path.file_name()?.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use super::labels::{add_label_set, set_label_variable};
    #[pymodule_export]
    use super::recorder::face::{Report, calls_after_fork, calls_read, calls_start, calls_stop};
    #[pymodule_export]
    use super::recorder::keep::calls_keep;
    #[pymodule_export]
    use super::{Status, after_fork_in_child, after_fork_in_parent, before_fork, exit, start, status, stop};
}
