//! Finds the Python interpreters of this machine and runs scripts in them.
//!
//! # Where this sits
//! For tests and measurements that need a live process. A script prints one line, `READY` and a
//! JSON value with what it knows of itself, then goes on; it is killed when the handle is dropped.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// An interpreter that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// Release as asked for, for example `3.12`.
    pub release: String,
    /// The program.
    pub program: PathBuf,
}

impl Python {
    /// Looks for `python3.X` on `PATH`, in the pyenv roots (`$PYENV_ROOT`, `~/.pyenv`), and among
    /// those that `tools/debian_testing.sh` made (`target/pythons`).
    #[must_use]
    pub fn find(release: &str) -> Option<Self> {
        let name = format!("python{release}");
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let roots = [
            std::env::var_os("PYENV_ROOT").map(PathBuf::from),
            std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")),
        ];
        let in_pyenv = roots.into_iter().flatten().flat_map(|root| versions(&root));
        in_pyenv
            .chain(std::env::split_paths(&on_path).filter(|folder| !folder.ends_with("shims")))
            .chain([made()])
            .map(|folder| folder.join(&name))
            .find(|program| program.is_file())
            .map(|program| Self {
                release: release.to_owned(),
                program,
            })
    }

    /// Whether it is a wrapper that runs its interpreter in another root, with the same process id.
    #[must_use]
    pub fn is_in_another_root(&self) -> bool {
        self.program.starts_with(made())
    }

    /// Finds several releases. Those that are missing are reported on standard error, with their
    /// count, so that a run that tested less says so.
    #[must_use]
    pub fn find_all(releases: &[&str]) -> Vec<Self> {
        let (found, missing): (Vec<_>, Vec<_>) = releases
            .iter()
            .map(|release| (Self::find(release), release))
            .partition(|(found, _)| found.is_some());
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|(_, release)| **release).collect();
            eprintln!(
                "SKIPPED {} of {} interpreters: {}",
                missing.len(),
                releases.len(),
                names.join(", ")
            );
        }
        found.into_iter().filter_map(|(found, _)| found).collect()
    }

    /// Starts a script and waits for its `READY` line.
    ///
    /// # Errors
    /// If the program cannot be started, or ends before it is ready.
    pub fn run<A: AsRef<OsStr>>(&self, script: &Path, arguments: &[A]) -> io::Result<Running> {
        self.run_with(script, arguments, &[])
    }

    /// As [`Python::run`], with some environment variables set.
    ///
    /// # Errors
    /// As [`Python::run`].
    pub fn run_with<A: AsRef<OsStr>>(
        &self,
        script: &Path,
        arguments: &[A],
        variables: &[(&str, &OsStr)],
    ) -> io::Result<Running> {
        let mut command = Command::new(&self.program);
        command.arg(script).args(arguments);
        command.env("PYTHONUTF8", "1").envs(variables.iter().copied());
        Running::start(&mut command)
    }
}

/// Where `tools/debian_testing.sh` puts its wrappers.
fn made() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pythons")
}

/// The `bin` folders below a pyenv root, in a stable order.
fn versions(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(root.join("versions"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    folders.sort();
    folders
}

/// A script that runs. Dropping it kills the process and waits for it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What the script printed behind `READY`.
    pub ready: Value,
}

impl Running {
    /// Starts a program and waits for its `READY` line. Lines before it are passed over.
    ///
    /// # Errors
    /// If the program cannot be started, or ends before it is ready.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| io::Error::other("no standard output"))?;
        let mut running = Self {
            child,
            stdout: BufReader::new(stdout),
            ready: Value::Null,
        };
        loop {
            let line = running.line()?;
            if let Some(data) = line.strip_prefix("READY ") {
                running.ready = serde_json::from_str(data)?;
                return Ok(running);
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Writes a line to the script's standard input, so that it goes on when the test is ready.
    ///
    /// # Errors
    /// If the script has ended or does not read.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let stdin = self
            .child
            .stdin
            .as_mut()
            .ok_or_else(|| io::Error::other("no standard input"))?;
        writeln!(stdin, "{line}")
    }

    /// The next line the script prints, without its end. Blocks.
    ///
    /// # Errors
    /// If the script ends first.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the script ended"));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the process is already gone.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
