//! `pyrometer attach`: puts the agent into a running process, from Python 3.14 on.
//!
//! By the interpreter's own protocol and nothing else: `sys.remote_exec` of the program that the
//! process runs (PEP 768). It acts when the main thread next runs Python. The script that it runs
//! lies in a folder that only the process's user may enter, and says in a file how it went.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pyrometer_agent::outside;
use pyrometer_unwind::{AttachError, Pid, PythonVersion, Target};

use super::arguments::Attach;
use super::failures;
use crate::failure::Failure;
use crate::run::bootstrap_directory;

/// The release that first takes code from outside.
const FIRST: (u8, u8) = (3, 14);
/// How long the process has to come to run Python.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the process runs. It puts our package within reach for the import only.
const SCRIPT: &str = r#"
def attach(package, result):
    import os, sys
    try:
        sys.path.append(package)
        try:
            import pyrometer
        finally:
            sys.path.remove(package)
        pyrometer.start()
        said = "started"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    try:
        with open(result + ".new", "w") as file:
            file.write(said)
        os.rename(result + ".new", result)
    except OSError:
        pass
"#;

pub(crate) fn attach(attach: Attach) -> Result<(), Failure> {
    let pid = Pid(attach.pid);
    let version = version_of(pid)?;
    if (version.major, version.minor) < FIRST {
        return Err(Failure::new(
            format!("Python {version} takes no code from outside; 3.14 is the first that does"),
            format!(
                "`pyrometer record {pid}` reads it as it is; `pyrometer run -- CMD` starts it with the agent"
            ),
        ));
    }
    let bootstrap = bootstrap_directory()?;
    let package = bootstrap.ancestors().nth(2).unwrap_or(Path::new("/"));
    let folder = Folder::make(pid)?;
    let result = folder.path.join("result");
    let script = folder.path.join("attach.py");
    let text = format!("{SCRIPT}\nattach({}, {})\n", literal(package), literal(&result));
    folder.put(&script, &text)?;
    request(pid, &script)?;
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if let Ok(said) = fs::read_to_string(&result) {
            return match said.as_str() {
                "started" => {
                    println!("the agent is in process {pid}; `pyrometer serve` finds it");
                    Ok(())
                }
                said => Err(Failure::new(
                    format!("the agent did not start: {said}"),
                    "see what the process wrote to its standard error",
                )),
            };
        }
        std::thread::sleep(PATIENCE / 200);
    }
    Err(Failure::new(
        format!("process {pid} has not run Python for {} s", PATIENCE.as_secs()),
        format!(
            "its main thread waits in a system call: `pyrometer dump {pid}` shows where; try again while it works"
        ),
    ))
}

fn version_of(pid: Pid) -> Result<PythonVersion, Failure> {
    match Target::attach(pid) {
        Ok(target) => Ok(target.version()),
        Err(AttachError::Version { found }) => Ok(found),
        Err(error) => Err(failures::of_attaching(pid, &error)),
    }
}

/// Has the target's own program hand the script over.
fn request(pid: Pid, script: &Path) -> Result<(), Failure> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let code = format!("import sys; sys.remote_exec({pid}, {})", literal(script));
    let done = Command::new(&program)
        .args(["-I", "-S", "-c", &code])
        .stdin(Stdio::null())
        .output();
    let done = done.map_err(|error| {
        let hint = "its program must be in reach of ours: attach from within its container";
        Failure::new(format!("{} cannot be started: {error}", program.display()), hint)
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.lines().last().unwrap_or("it failed").to_owned();
    let hint = "the process may forbid it (PYTHON_DISABLE_REMOTE_DEBUG, -X disable-remote-debug), or needs the right to ptrace it";
    Err(Failure::new(format!("the interpreter refused: {said}"), hint))
}

/// A path as a Python literal: JSON's escapes are Python's too.
fn literal(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

/// A folder of the target's user, removed when dropped.
struct Folder {
    path: PathBuf,
    owner: Option<u32>,
}

impl Folder {
    fn make(pid: Pid) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("pyrometer-attach-{pid}-{}", std::process::id()));
        let own = outside::process_owner(Pid(std::process::id().cast_signed()));
        let owner = outside::process_owner(pid).filter(|theirs| Some(*theirs) != own);
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| failed(&path, &error))?;
        let folder = Self { path, owner };
        folder.give(&folder.path)?;
        Ok(folder)
    }

    fn put(&self, path: &Path, text: &str) -> Result<(), Failure> {
        fs::write(path, text).map_err(|error| failed(path, &error))?;
        self.give(path)
    }

    fn give(&self, path: &Path) -> Result<(), Failure> {
        chown(path, self.owner, None).map_err(|error| failed(path, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is a small file in a temporary folder.
        let _left = fs::remove_dir_all(&self.path);
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("{} cannot be written: {error}", path.display()),
        "set TMPDIR to a folder that both may use",
    )
}
