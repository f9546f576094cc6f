"""Where the system gives too little or forbids too much: one warning at most, and the program goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from conftest import PROGRAMS, collapsed, share, slow, stats

pytestmark = slow


def running(program) -> bool:
    return json.loads(program.line())["running"]


@pytest.mark.parametrize("way", ["seccomp before", "seccomp later", "seccomp and fork"])
def test_sampling_goes_on_where_process_vm_readv_is_forbidden(run, way):
    program = run("limits", way)
    assert running(program)
    path = program.socket()
    agent = stats(path)["agent"]
    assert (agent["state"], agent["reader"]) == ("running", "memfd")
    stacks = collapsed(path)
    # By the second reader as by the first: shares of what is known to have run.
    assert share(stacks, "work") > 0.9, stacks
    code, errors = program.finish()
    assert code == 0 and "pyrometer" not in errors


def test_the_first_reader_is_taken_where_it_may_be(run):
    program = run("limits", "start")
    assert running(program)
    assert stats(program.socket())["agent"]["reader"] == "process_vm_readv"


def one_warning(program) -> str:
    assert running(program) is False
    code, errors = program.finish()
    assert code == 0
    assert errors.count("pyrometer:") == errors.count("hint:") == 1, errors
    return errors


def test_without_any_reader_there_is_one_warning(run):
    assert "could not be read" in one_warning(run("limits", "seccomp no way"))


def test_without_descriptors_the_program_goes_on(run):
    program = run("limits", "no files")
    assert running(program) is False
    code, errors = program.finish()
    assert code == 0 and errors.count("pyrometer:") == errors.count("hint:") > 1
    assert "Traceback" not in errors
    assert not program.sockets(), "what could not be started leaves no name behind"


def test_without_threads_the_program_goes_on(run, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    assert "ulimit -u" in one_warning(run("limits", "no threads"))


def test_forks_where_no_more_threads_are_allowed(run, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    program = run("limits", "no threads after fork")
    assert running(program) in (True, False)
    assert program.finish()[0] == 0


def test_without_memory_for_threads_the_program_goes_on(run):
    assert "no room" in one_warning(run("limits", "no memory"))


def test_memory_that_runs_out_is_an_error_of_the_program_alone(run):
    program = run("limits", "memory runs out")
    assert running(program) in (True, False)
    assert program.finish() == (0, "")


def test_a_directory_that_is_deleted_under_us(run):
    program = run("limits", "directory gone")
    assert running(program)
    assert program.finish() == (0, "")


def test_a_read_only_place_for_the_socket_is_one_warning(run, tmp_path):
    place = tmp_path / "read-only"
    place.mkdir()
    mount = f"mount -t tmpfs -o ro tmpfs {place} && exec "
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount + "true"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no mount namespace can be made here")
    words = f"{sys.executable} {PROGRAMS / 'limits.py'} start"
    program = run(
        "limits",
        command=["unshare", "--mount", "sh", "-c", mount + words],
        PYROMETER_DIR=str(place / "sockets"),
    )
    assert "socket directory" in one_warning(program)
