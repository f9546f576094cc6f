//! `pyrometer run`: becomes the command, with an environment that brings the agent along.
//!
//! Nothing stays between the caller and the command: it is `exec`, so signals, exit codes and
//! process trees are the command's own.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Run;
use crate::failure::Failure;

/// Never returns when it succeeds: the process is the command then.
pub(crate) fn run(run: Run) -> Result<(), Failure> {
    let mut command = command(&run.command)?;
    let mut set = |name: &str, value: Option<OsString>| {
        if let Some(value) = value {
            command.env(name, value);
        }
    };
    set("PYROMETER_SERVICE", run.service.map(Into::into));
    set("PYROMETER_RATE", run.rate.map(|rate| rate.to_string().into()));
    set(
        "PYROMETER_DIR",
        run.dir.map(|dir| std::path::absolute(&dir).unwrap_or(dir).into()),
    );
    set("PYROMETER_LISTEN", run.listen.map(Into::into));
    if !run.labels.is_empty() {
        let inherited = std::env::var("PYROMETER_LABELS")
            .ok()
            .filter(|labels| !labels.is_empty());
        let labels: Vec<String> = inherited.into_iter().chain(run.labels).collect();
        set("PYROMETER_LABELS", Some(labels.join(",").into()));
    }
    let error = command.exec();
    Err(cannot_start(Path::new(&run.command[0]), &error))
}

/// The command with an environment that brings our package into each Python process.
pub(crate) fn command(words: &[OsString]) -> Result<Command, Failure> {
    let bootstrap = bootstrap_directory()?;
    let (program, arguments) = words.split_first().expect("clap requires a command");
    let mut command = Command::new(program);
    command.args(arguments).env(
        "PYTHONPATH",
        python_path(&bootstrap, std::env::var_os("PYTHONPATH")),
    );
    Ok(command)
}

/// What to say when a program could not be started.
pub(crate) fn cannot_start(program: &Path, error: &std::io::Error) -> Failure {
    let shown = program.display();
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "give the path of the program, or activate its environment first",
        _ => "check that the program may be executed",
    };
    Failure::new(format!("{shown} cannot be started: {error}"), hint)
}

fn python_path(bootstrap: &Path, inherited: Option<OsString>) -> OsString {
    let mut path = bootstrap.as_os_str().to_owned();
    if let Some(inherited) = inherited.filter(|inherited| !inherited.is_empty()) {
        path.push(":");
        path.push(inherited);
    }
    path
}

/// The folder of the bootstrap within the Python package that this command was installed with.
pub(crate) fn bootstrap_directory() -> Result<PathBuf, Failure> {
    let missing = || {
        Failure::new(
            "the Python package of this command was not found beside it",
            "install both with one `pip install pyrometer`, or run `make build` in the source tree",
        )
    };
    let command = std::env::current_exe().map_err(|_| missing())?;
    let prefix = command.parent().and_then(Path::parent).ok_or_else(missing)?;
    let libraries = ["lib", "lib64"]
        .into_iter()
        .filter_map(|name| std::fs::read_dir(prefix.join(name)).ok());
    let pythons = libraries
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"));
    let packages = ["site-packages", "dist-packages"];
    let places =
        pythons.flat_map(|entry| packages.map(|name| entry.path().join(name).join("pyrometer/_bootstrap")));
    let mut found = places.filter(|place| place.join("sitecustomize.py").is_file());
    found
        .next()
        .map(|place| place.canonicalize().unwrap_or(place))
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_path_stays_behind_ours() {
        let path = |inherited: Option<&str>| python_path(Path::new("/b"), inherited.map(Into::into));
        assert_eq!(path(None), "/b");
        assert_eq!(path(Some("")), "/b");
        assert_eq!(path(Some("/a:/c")), "/b:/a:/c");
    }
}
