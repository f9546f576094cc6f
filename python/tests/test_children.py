"""Children of every kind end as they should, keep nothing of their parent's, and disturb nobody."""

from __future__ import annotations

import json

import pytest
from conftest import stats

SQUARES = [number * number for number in range(12)]


def told(program):
    answer = json.loads(program.line())
    # Threads that a fork ended are started again by the time that the program can print.
    assert answer["same"] and answer["threads"] == 2
    return answer["told"]


@pytest.mark.parametrize("way", ["spawn", "forkserver", "fork", "executor"])
def test_pools_of_processes_work(run, way):
    program = run("children", way)
    assert told(program) == SQUARES
    code, errors = program.finish()
    # From 3.12 on the interpreter itself warns of its own forks in a process with threads.
    lines = [line for line in errors.splitlines() if "pyrometer" in line or "Error" in line]
    assert (code, lines) == (0, [])


def test_hundreds_of_forks_from_two_threads_under_load(run):
    program = run("children", "storm", "100")
    assert told(program) == [True, 200]
    assert stats(program.socket())["agent"]["state"] == "running"
    assert program.finish()[0] == 0


def test_a_child_that_c_code_forks_ends(run):
    program = run("children", "c")
    assert told(program) == [5, 5]
    assert stats(program.socket())["agent"]["state"] == "running"
    assert program.finish() == (0, "")


def test_programs_are_run_as_ever(run):
    program = run("children", "programs")
    assert told(program) == 0
    assert program.finish() == (0, "")


def test_children_of_children_of_threads(run):
    program = run("children", "nested")
    assert told(program) == 4
    assert program.finish()[0] == 0


def test_children_that_end_by_os_exit_leave_what_they_did(run):
    program = run("children", "ends")
    assert told(program) == [0] * 5
    assert len(list(program.directory.glob("*.spool"))) == 5
    assert len(program.sockets()) == 1
