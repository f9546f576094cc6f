//! Finds the interpreter in another process.
//!
//! # Where this sits
//! The out-of-process half of [`super`], and the fallback for our own process.
//!
//! # Contract
//! Reads `/proc/PID` and the ELF files mapped there. Never stops the target.

use std::fs;
use std::io;

use super::{Interpreter, elf, maps};
use crate::error::AttachError;
use crate::ids::{Address, OsThreadId, Pid, PythonVersion};
use crate::memory::{Memory, read_pointer};

/// Looks for the interpreter in every file that the process maps executable.
pub(crate) fn find(pid: Pid, memory: &impl Memory) -> Result<Interpreter, AttachError> {
    let text = fs::read(format!("/proc/{pid}/maps")).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AttachError::NoProcess { pid },
        io::ErrorKind::PermissionDenied => AttachError::Denied { pid, source },
        _ => AttachError::Map { pid, source },
    })?;
    for file in maps::executable_files(&String::from_utf8_lossy(&text)) {
        let Some(opened) = file.open(pid) else { continue };
        let names = ["_PyRuntime", "PyCode_Type", "Py_Version"];
        let [Some(runtime), Some(code_type), version] = elf::symbols(opened, file.start, names) else {
            continue;
        };
        let version = match version {
            Some(address) => PythonVersion::from_hex(read_pointer(memory, Address(address))?.0),
            // Before 3.11 only the file's name tells the release: python3.9, libpython3.9.so.1.0.
            None => version_in_name(&file.path.to_string_lossy()).ok_or(AttachError::NotPython { pid })?,
        };
        return Ok(Interpreter {
            runtime: Address(runtime),
            code_type: Address(code_type),
            version,
            first_thread: first_thread(pid),
        });
    }
    Err(AttachError::NotPython { pid })
}

/// The pid in the innermost namespace of the process. 0 where the kernel does not tell.
fn first_thread(pid: Pid) -> OsThreadId {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let inner = line.and_then(|pids| pids.split_whitespace().last()?.parse().ok());
    OsThreadId(inner.unwrap_or(0))
}

fn version_in_name(path: &str) -> Option<PythonVersion> {
    let name = path.rsplit('/').next()?;
    PythonVersion::from_text(name.split_once("python")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_a_file_name() {
        let check = |path: &str, expect: Option<&str>| {
            assert_eq!(
                version_in_name(path).map(|v| v.to_string()).as_deref(),
                expect,
                "{path}"
            );
        };
        check("/usr/bin/python3.9", Some("3.9.0"));
        check("/usr/lib/libpython3.10.so.1.0", Some("3.10.0"));
        check("/opt/python3/bin/uwsgi", None);
        check("/usr/bin/python3", None);
    }
}
