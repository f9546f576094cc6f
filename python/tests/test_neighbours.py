"""Signals, signal handlers, tracers and other tools: they see the program as if we were not there."""

from __future__ import annotations

import importlib.util
import json
import signal

import pytest
from conftest import collapsed, stats


def told(program):
    answer = json.loads(program.line())
    assert answer["running"]
    return answer["told"]


def test_every_signal_reaches_the_program_and_none_our_threads(run):
    program = run("signalled", "own signals")
    answer = told(program)
    assert answer["seen"]
    # The two that glibc keeps for itself cannot be blocked, nor sent by others.
    assert answer["masks"] == {"pyro-sampler": [], "pyro-endpoint": []}
    assert program.finish() == (0, "")


def test_no_system_call_of_the_program_is_interrupted(run):
    assert told(run("signalled", "interruptions")) == []


def test_a_crash_is_dumped_by_its_owner_and_kills_by_its_signal(run):
    program = run("signalled", "crash")
    assert json.loads(program.line()) == "ready"
    code, errors = program.finish()
    assert code == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in errors and "in crash" in errors
    assert "pyrometer" not in errors


@pytest.mark.parametrize(
    "way", ["dump later", "setprofile", "settrace", "cProfile", "coverage", "debugpy", "itimer"]
)
def test_other_tools_work_beside_us(run, way):
    if way in ("coverage", "debugpy") and importlib.util.find_spec(way) is None:
        pytest.skip(f"{way} is not installed for this Python")
    program = run("signalled", way)
    assert told(program) is True
    assert any("work" in stack for stack in collapsed(program.socket(), "samples"))
    assert stats(program.socket())["agent"]["state"] == "running"
    code, errors = program.finish()
    assert code == 0 and "pyrometer" not in errors
