//! The stacks of all threads of a process, as they are now.

use pyrometer_model::Function;
use pyrometer_unwind::{AttachError, Gil, OtherProcess, Outcome, Pid, PythonVersion, Stack, Target, Walker};

use super::kernel::{self, OpenFiles, ThreadFiles};

/// Readings until one is exact: a thread that calls a lot may be caught in between.
const MAX_READINGS: usize = 16;

/// One thread, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedThread {
    /// OS thread id.
    pub os_thread_id: u32,
    /// `threading.get_ident()`.
    pub python_thread_id: u64,
    /// Interpreter that it runs; 0 is the main one.
    pub interpreter: u64,
    /// Name that the kernel knows.
    pub name: String,
    /// State by proc(5): `R` runs or could, `S` waits, `T` is stopped; `None` when it has ended.
    pub state: Option<char>,
    /// Whether it held the GIL when its stack was read.
    pub held_gil: bool,
    /// Whether two readings agreed; else frames at the leaf may be missing.
    pub is_exact: bool,
    /// Frames, leaf first.
    pub frames: Vec<DumpedFrame>,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedFrame {
    /// The function.
    pub function: Function,
    /// The line being executed; 0 when unknown.
    pub line: u32,
}

/// Reads the stacks of all threads: the release, and the threads, oldest first. The process goes on
/// meanwhile, so each stack is of its own instant.
///
/// # Errors
/// As [`Target::attach`].
pub fn dump(pid: Pid) -> Result<(PythonVersion, Vec<DumpedThread>), AttachError> {
    let target = Target::attach(pid)?;
    let mut walker = Walker::new();
    let mut snapshots = Vec::new();
    walker.threads(&target, &mut snapshots)?;
    if snapshots.is_empty() {
        return Err(AttachError::NotPython { pid });
    }
    let open_files = OpenFiles::default();
    let mut stack = Stack::default();
    let threads = snapshots.iter().rev().map(|snapshot| {
        let mut is_exact = false;
        for _ in 0..MAX_READINGS {
            let outcome = walker.stack(&target, snapshot, &mut stack);
            is_exact = matches!(outcome, Outcome::Exact | Outcome::Empty);
            if is_exact {
                break;
            }
        }
        let os_thread_id = snapshot.os_thread_id.0;
        let stat = ThreadFiles::new(pid, os_thread_id, &open_files).stat();
        DumpedThread {
            os_thread_id,
            python_thread_id: snapshot.python_thread_id,
            interpreter: snapshot.interpreter,
            name: kernel::thread_name(pid, os_thread_id),
            state: stat.map(|stat| char::from(stat.state)),
            held_gil: stack.gil == Gil::Held,
            is_exact,
            frames: frames(&target, &stack),
        }
    });
    Ok((target.version(), threads.collect()))
}

fn frames(target: &Target<OtherProcess>, stack: &Stack) -> Vec<DumpedFrame> {
    let known = stack.frames.iter().filter_map(|frame| {
        let code = target.code(frame.code).ok()?;
        Some(DumpedFrame {
            line: code.lines.line_at(frame.instruction).unwrap_or(0),
            function: Function {
                name: code.name,
                file: code.file,
                line: code.first_line,
            },
        })
    });
    known.collect()
}
