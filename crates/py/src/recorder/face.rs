//! What Python sees: begin, read and end a recording of calls, and the report.

use std::collections::HashMap;
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyrometer_agent::recorder::cost::Cost;
use pyrometer_agent::recorder::timer::{External, Opened, Timer};
use pyrometer_formats::Format;
use pyrometer_formats::calls::{CallReport, Irregularities, ThreadReport, TimerReport, table, write};
use pyrometer_model::{Span, UnixNanos};

use super::hooks::{Hooks, Refused, Wanted};
use super::names::CallableTypes;
use super::state::{self, Plan};
use super::{calibrate, events, fork, keep, thread};

/// The hooks that are set, and since when. Taken with the GIL held, for an instant.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

#[derive(Clone)]
struct Running {
    hooks: Hooks,
    since: UnixNanos,
    title: String,
}

/// Options as Python gives them.
#[derive(FromPyObject)]
pub(crate) struct Given {
    #[pyo3(item)]
    timer: Py<PyAny>,
    #[pyo3(item)]
    functions: Vec<String>,
    #[pyo3(item)]
    c_calls: bool,
    #[pyo3(item)]
    max_nodes: usize,
    #[pyo3(item)]
    package: String,
    #[pyo3(item)]
    title: String,
}

fn now() -> UnixNanos {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(passed.as_nanos() as u64)
}

/// Reads a timer that is a Python function. What it raises or returns in place of a number counts as 0:
/// the program must not notice.
unsafe fn read_callable(context: *mut c_void) -> u64 {
    // SAFETY: the context is a reference that `calls_start` leaked; events run with the GIL held.
    let (py, callable) = unsafe {
        let py = Python::assume_attached();
        (py, Bound::from_borrowed_ptr(py, context.cast()))
    };
    events::paused(|| {
        state::kept_error(py, || {
            let value = callable.call0().and_then(|value| value.extract::<u64>());
            value.unwrap_or(0)
        })
    })
}

fn open(py: Python<'_>, timer: &Py<PyAny>) -> Result<Opened, Refused> {
    if let Ok(name) = timer.extract::<String>(py) {
        return Timer::of_name(&name).map(Opened::best).ok_or_else(|| Refused {
            problem: format!("there is no timer {name:?}"),
            hint: "timers are instructions, cpu and wall, or a function that returns a number",
        });
    }
    if !timer.bind(py).is_callable() {
        return Err(Refused {
            problem: "the timer is neither a name nor a function".to_owned(),
            hint: "timers are instructions, cpu and wall, or a function that returns a number",
        });
    }
    let context = timer.clone_ref(py).into_ptr().cast();
    Ok(Opened::external(External {
        read: read_callable,
        context,
    }))
}

/// Begins a recording. Problem and hint if it cannot.
#[pyfunction]
pub(crate) fn calls_start(py: Python<'_>, given: Given) -> Option<(String, String)> {
    let refused = |refused: Refused| Some((refused.problem, refused.hint.to_owned()));
    match begin(py, given) {
        Ok(()) => None,
        Err(why) => refused(why),
    }
}

fn begin(py: Python<'_>, given: Given) -> Result<(), Refused> {
    let is_running = RUNNING.lock().is_ok_and(|running| running.is_some());
    if is_running {
        return Err(Refused {
            problem: "calls are being recorded already".to_owned(),
            hint: "end that recording first; there is one per process",
        });
    }
    let failed = |error: PyErr| Refused {
        problem: error.to_string(),
        hint: "please report it",
    };
    let wanted = Wanted {
        c_calls: given.c_calls,
        chosen: !given.functions.is_empty(),
    };
    let hooks = Hooks::choose(py, wanted)?;
    let types = CallableTypes::find(py).map_err(failed)?;
    let opened = open(py, &given.timer)?;
    fork::watch();
    let plan = |functions, max_nodes, package| Plan {
        opened: opened.clone(),
        functions,
        max_nodes,
        package,
    };
    state::begin(plan(Vec::new(), 1000, String::new()), types);
    let costs = calibrate::costs(py, hooks, &opened, given.c_calls);
    events::end();
    let costs = costs?;
    state::begin(plan(given.functions, given.max_nodes, given.package), types);
    if let Some(recording) = state::recording() {
        recording.costs = costs;
    }
    hooks.set(py, wanted).inspect_err(|_| events::end())?;
    // What this took is not the program's.
    if events::attached().is_none() {
        thread::attach_thread(false);
    }
    events::skip();
    if let Ok(mut running) = RUNNING.lock() {
        *running = Some(Running {
            hooks,
            since: now(),
            title: given.title,
        });
    }
    Ok(())
}

/// What was found so far; `None` without a recording.
#[pyfunction]
pub(crate) fn calls_read(py: Python<'_>) -> Option<Report> {
    let running = RUNNING.lock().ok()?.clone()?;
    Some(Report::of(py, &running))
}

/// Ends the recording; `None` if there is none.
#[pyfunction]
pub(crate) fn calls_stop(py: Python<'_>) -> Option<Report> {
    let running = RUNNING.lock().ok()?.take()?;
    let report = Report::of(py, &running);
    events::end();
    running.hooks.unset(py);
    Some(report)
}

/// The child of a fork: counts begin at zero there.
#[pyfunction]
pub(crate) fn calls_after_fork() {
    if let Ok(mut running) = RUNNING.try_lock()
        && let Some(running) = running.as_mut()
    {
        running.since = now();
        fork::restart_after_fork();
    }
}

/// What a recording found.
#[pyclass(frozen, module = "pyrometer._native")]
pub(crate) struct Report {
    report: CallReport,
}

impl Report {
    /// Bytes that another process of the same run can merge.
    pub(super) fn parts(&self) -> Vec<u8> {
        self.report.to_parts()
    }

    fn of(py: Python<'_>, running: &Running) -> Self {
        let Some(recording) = state::recording() else {
            return Self {
                report: CallReport::default(),
            };
        };
        recording.settle();
        let names = events::paused(|| known_threads(py).unwrap_or_default());
        recording.name_threads(&names);
        let threads = recording.threads();
        let irregular = state::irregular(&threads);
        let (opened, costs) = (&recording.plan.opened, &recording.costs);
        let pair = |cost: Cost| (cost.inner, cost.outer);
        let pid = std::process::id();
        let report = CallReport {
            title: running.title.clone(),
            span: Span {
                start: running.since,
                end: now(),
            },
            hooks: running.hooks.name().to_owned(),
            timer: TimerReport {
                requested: opened.requested.name().to_owned(),
                used: opened.used.name().to_owned(),
                means: opened.means.name().to_owned(),
                why: opened.why.clone().unwrap_or_default(),
                unit: opened.used.unit().to_owned(),
                call: pair(costs.call),
                resume: pair(costs.resume),
                c_call: pair(costs.c_call),
                spread: costs.spread,
            },
            threads: threads
                .into_iter()
                .map(|thread| ThreadReport {
                    name: thread.name,
                    pid,
                    os_thread_id: thread.os_thread_id,
                    profile: thread.profile,
                })
                .collect(),
            irregular: Irregularities {
                closed: irregular.closed,
                unknown: irregular.unknown,
                folded: irregular.folded,
            },
        };
        Self { report }
    }
}

/// Names of the threads that `threading` knows, by OS thread id.
fn known_threads(py: Python<'_>) -> PyResult<HashMap<u32, String>> {
    let mut names = HashMap::new();
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else {
        return Ok(names);
    };
    for thread in threading.call_method0("enumerate")?.try_iter()? {
        let thread = thread?;
        let id = thread.getattr("native_id")?;
        if let (Ok(id), Ok(name)) = (id.extract(), thread.getattr("name")?.extract()) {
            names.insert(id, name);
        }
    }
    Ok(names)
}

type Column<T> = Vec<T>;

#[pymethods]
impl Report {
    /// Columns of a tree, parents first: names, files, lines, parents (−1 for the root), calls, resumes,
    /// self, raw self, totals. `thread` counts as in `threads`; `None` for all in one.
    #[allow(clippy::type_complexity, reason = "a row of columns")]
    #[pyo3(signature = (thread=None))]
    fn columns(
        &self,
        thread: Option<usize>,
    ) -> PyResult<(
        Column<String>,
        Column<String>,
        Column<u32>,
        Column<i64>,
        Column<u64>,
        Column<u64>,
        Column<u64>,
        Column<u64>,
        Column<u64>,
    )> {
        let profile = match thread {
            None => self.report.merged(),
            Some(number) => {
                let thread = self.report.threads.get(number);
                thread
                    .ok_or_else(|| PyValueError::new_err("no such thread"))?
                    .profile
                    .clone()
            }
        };
        let profile = profile.sorted();
        let functions = profile.functions();
        let function = |number: usize| &functions[profile.nodes()[number].function.0 as usize];
        let every = 0..profile.nodes().len();
        let counts = || profile.nodes().iter().map(|node| node.counts);
        Ok((
            every
                .clone()
                .map(|number| function(number).name.clone())
                .collect(),
            every
                .clone()
                .map(|number| function(number).file.clone())
                .collect(),
            every.map(|number| function(number).line).collect(),
            profile
                .nodes()
                .iter()
                .enumerate()
                .map(|(number, node)| if number == 0 { -1 } else { i64::from(node.parent) })
                .collect(),
            counts().map(|counts| counts.calls).collect(),
            counts().map(|counts| counts.resumes).collect(),
            counts().map(|counts| counts.self_value).collect(),
            counts().map(|counts| counts.raw_self).collect(),
            profile.totals(),
        ))
    }

    /// Name and OS thread id of every thread.
    fn threads(&self) -> Vec<(String, u32)> {
        let threads = self.report.threads.iter();
        threads
            .map(|thread| (thread.name.clone(), thread.os_thread_id))
            .collect()
    }

    /// Timer, calibration and events that needed care.
    fn about<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let about = PyDict::new(py);
        let timer = &self.report.timer;
        let irregular = self.report.irregular;
        about.set_item("requested", &timer.requested)?;
        about.set_item("used", &timer.used)?;
        about.set_item("means", &timer.means)?;
        about.set_item("why", (!timer.why.is_empty()).then_some(&timer.why))?;
        about.set_item("unit", &timer.unit)?;
        about.set_item("hooks", &self.report.hooks)?;
        about.set_item("call_cost", timer.call)?;
        about.set_item("resume_cost", timer.resume)?;
        about.set_item("c_call_cost", timer.c_call)?;
        about.set_item("spread", timer.spread)?;
        about.set_item("closed", irregular.closed)?;
        about.set_item("unknown", irregular.unknown)?;
        about.set_item("folded", irregular.folded)?;
        Ok(about)
    }

    /// The costliest functions as text.
    fn table(&self, rows: usize) -> String {
        table(&self.report, rows)
    }

    /// Writes a file; its format by name, else by its ending.
    fn write(&self, path: PathBuf, format: Option<&str>) -> PyResult<()> {
        let format = format_of(&path, format)?;
        std::fs::write(&path, write(&self.report, format)).map_err(|error| unwritable(&path, &error))
    }

    /// The content of a file of that format; `os_thread_id`: of one thread alone.
    #[pyo3(signature = (format, os_thread_id=None))]
    fn to_bytes<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        os_thread_id: Option<u32>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let format = Format::of_name(format).ok_or_else(unknown_format)?;
        let mut report = self.report.clone();
        if let Some(id) = os_thread_id {
            report.threads.retain(|thread| thread.os_thread_id == id);
        }
        Ok(PyBytes::new(py, &write(&report, format)))
    }

    /// Writes what another process of the same run is to merge.
    fn write_parts(&self, path: PathBuf) -> PyResult<()> {
        keep::replace(&path, &self.parts()).map_err(|error| unwritable(&path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> PyErr {
    PyOSError::new_err(format!("{}: {error}", path.display()))
}

fn format_of(path: &Path, name: Option<&str>) -> PyResult<Format> {
    let found = match name {
        Some(name) => Format::of_name(name),
        None => Format::of_file(&path.to_string_lossy()),
    };
    found.ok_or_else(unknown_format)
}

fn unknown_format() -> PyErr {
    let known: Vec<&str> = Format::names().collect();
    PyValueError::new_err(format!("the format of a file is one of {}", known.join(", ")))
}
