//! `pyrometer dump`: the stacks of all threads of a process, as they are now.

use std::io::{self, Write};

use pyrometer_agent::outside::{self, DumpedThread};
use pyrometer_unwind::{Pid, PythonVersion};
use serde_json::{Value, json};

use super::arguments::Dump;
use super::failures;
use super::text::{Paint, clean, colours_wanted};
use crate::failure::Failure;

pub(crate) fn dump(dump: Dump) -> Result<(), Failure> {
    let pid = Pid(dump.pid);
    let (version, threads) = outside::dump(pid).map_err(|error| failures::of_attaching(pid, &error))?;
    let name = outside::process_name(pid);
    let text = if dump.json {
        format!("{:#}\n", as_json(pid, &name, version, &threads))
    } else {
        let paint = Paint {
            is_on: colours_wanted(&io::stdout()),
        };
        as_text(pid, &name, version, &threads, paint)
    };
    // Nobody reads any more: that is no failure.
    let _closed = io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn as_text(pid: Pid, name: &str, version: PythonVersion, threads: &[DumpedThread], paint: Paint) -> String {
    let head = format!("Process {pid}: {}", clean(name));
    let mut text = format!(
        "{}, Python {version}, most recent call first\n",
        paint.bold(&head)
    );
    for thread in threads {
        let title = format!("Thread {} {}", thread.os_thread_id, clean(&thread.name));
        let state = state_of(thread);
        let state = if state == "running" {
            paint.green(state)
        } else {
            state.to_owned()
        };
        text.push_str(&format!("\n{}, {state}", paint.bold(&title)));
        if thread.interpreter > 0 {
            text.push_str(&format!(", interpreter {}", thread.interpreter));
        }
        if thread.held_gil {
            text.push_str(", holds the GIL");
        }
        text.push_str(if thread.is_exact {
            "\n"
        } else {
            ", busy: frames may be missing at the top\n"
        });
        if thread.frames.is_empty() {
            text.push_str(&format!("    {}\n", paint.dim("no Python code")));
        }
        for frame in &thread.frames {
            let place = format!("({}:{})", clean(&frame.function.file), frame.line);
            text.push_str(&format!(
                "    {} {}\n",
                clean(&frame.function.name),
                paint.dim(&place)
            ));
        }
    }
    text
}

fn state_of(thread: &DumpedThread) -> &'static str {
    match thread.state {
        Some('R') => "running",
        Some('S' | 'D' | 'I') => "waiting",
        Some('T' | 't') => "stopped",
        Some(_) => "ending",
        None => "ended",
    }
}

fn as_json(pid: Pid, name: &str, version: PythonVersion, threads: &[DumpedThread]) -> Value {
    let frames = |thread: &DumpedThread| -> Vec<Value> {
        let frames = thread.frames.iter();
        let frames = frames.map(|frame| {
            json!({
                "name": frame.function.name,
                "file": frame.function.file,
                "first_line": frame.function.line,
                "line": frame.line,
            })
        });
        frames.collect()
    };
    let threads = threads.iter().map(|thread| {
        json!({
            "os_thread_id": thread.os_thread_id,
            "python_thread_id": thread.python_thread_id,
            "interpreter": thread.interpreter,
            "name": thread.name,
            "state": state_of(thread),
            "holds_gil": thread.held_gil,
            "exact": thread.is_exact,
            "frames": frames(thread),
        })
    });
    let threads: Vec<Value> = threads.collect();
    json!({"pid": pid.0, "name": name, "python": version.to_string(), "threads": threads})
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrometer_agent::outside::DumpedFrame;
    use pyrometer_model::Function;

    #[test]
    fn names_cannot_command_the_terminal() {
        let function = Function {
            name: "f\x1b[2J".into(),
            file: "a\n.py".into(),
            line: 3,
        };
        let thread = DumpedThread {
            os_thread_id: 7,
            python_thread_id: 1,
            interpreter: 0,
            name: "x\x07".into(),
            state: Some('S'),
            held_gil: true,
            is_exact: true,
            frames: vec![DumpedFrame { function, line: 4 }],
        };
        let version = PythonVersion {
            major: 3,
            minor: 12,
            patch: 1,
        };
        let text = as_text(Pid(5), "app\r", version, &[thread], Paint { is_on: false });
        let expected = "Process 5: app\u{fffd}, Python 3.12.1, most recent call first\n\n\
                        Thread 7 x\u{fffd}, waiting, holds the GIL\n    f\u{fffd}[2J (a\u{fffd}.py:4)\n";
        assert_eq!(text, expected);
    }
}
