//! Why a process cannot be read, in one line, and what helps on this machine.

use pyrometer_agent::outside;
use pyrometer_unwind::{AttachError, Pid, ReadError};

use crate::failure::Failure;

/// Whether other processes of the same user may be read: Documentation/admin-guide/LSM/Yama.rst.
const PTRACE_SCOPE: &str = "/proc/sys/kernel/yama/ptrace_scope";

pub(super) fn of_attaching(pid: Pid, error: &AttachError) -> Failure {
    match error {
        AttachError::Denied { .. } | AttachError::Read(ReadError::Denied) => {
            Failure::new(format!("reading process {pid} was denied"), hint_for_denied(pid))
        }
        AttachError::NotPython { .. } => Failure::new(
            error.to_string(),
            format!(
                "{} is its program; --children follows Python processes that it starts",
                outside::process_name(pid)
            ),
        ),
        error => Failure {
            problem: error.to_string(),
            hint: error.hint().map(str::to_owned),
            exit_code: 1,
        },
    }
}

fn hint_for_denied(pid: Pid) -> String {
    let own = outside::process_owner(Pid(std::process::id().cast_signed()));
    let theirs = outside::process_owner(pid);
    let scope = std::fs::read_to_string(PTRACE_SCOPE)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match (own, theirs, scope) {
        (Some(0), ..) => {
            "containers: start this one with --cap-add=SYS_PTRACE; no one may read where ptrace_scope is 3"
                .to_owned()
        }
        (Some(own), Some(theirs), _) if own != theirs => format!("it belongs to user id {theirs}: use sudo"),
        (_, _, Some(1_u32)) => {
            format!("{PTRACE_SCOPE} is 1: use sudo, or start the command with `pyrometer record -- CMD`")
        }
        (_, _, Some(2..)) => format!("{PTRACE_SCOPE} allows root only: use sudo"),
        _ => "use sudo; containers: --cap-add=SYS_PTRACE".to_owned(),
    }
}
