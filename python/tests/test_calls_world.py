"""Recording calls among others: nothing that the program or another tool does is disturbed."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from conftest import CALLS, recorded

pytestmark = CALLS


def run(case: str, *arguments: str) -> list[str]:
    return recorded("calls_world", case, *arguments).splitlines()


# Without a recorder 3.9 and 3.10 use C stack for every call: these depths they reach by themselves.
@pytest.mark.parametrize("depth", [900, 10_000, *([50_000, 150_000] if sys.version_info >= (3, 11) else [])])
def test_deep_recursion(depth: int):
    assert run("deep", str(depth)) == [f"{depth + 1} 0 0 0"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="too deep for this interpreter itself")
def test_what_follows_a_deep_recursion_is_seen():
    assert run("deep_and_back") == ["54003 3 9", "0 0"]


def test_a_recursion_error_is_the_programs_own():
    assert run("recursion_error") == ["3 True 0 0"]


def test_the_program_may_profile_and_trace_itself():
    assert run("set_profile") == ["9 3 None"]


def test_cprofile_runs_beside():
    assert run("c_profile") == ["3 3", "3 3"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is newer")
def test_taken_tool_ids():
    refused, done = run("taken_ids")
    assert refused == (
        "every tool id of sys.monitoring is taken / end another profiler, debugger or coverage tool of this process first"
    )
    assert done == "3 ['other 0', 'other 1', 'other 2', None, 'other 4', 'other 5']"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring has room for several")
def test_a_held_profile_function():
    assert run("held_profile") == [
        "another profiler holds sys.setprofile / end it first, or record without C calls"
    ]


def test_a_forks_child_counts_from_zero():
    assert run("forks") == ["6 5"]


def test_hostile_fork_hooks():
    assert run("forks_with_hostile_hooks") == ["[7, 7] [2]"]


def test_many_threads_give_back_what_they_had():
    assert run("many_threads") == ["903 True True"]


def test_code_that_dies_is_told_apart():
    assert run("churn") == ["100 2000"]


def test_finalizers():
    assert run("finalizers") == ["100 50 0"]


def test_begun_and_ended_at_different_depths():
    assert run("stopped_inside") == ["2 4 0 0"]


def test_the_interpreter_ends_meanwhile():
    assert run("daemon_at_exit") == ["ends"]


def test_cpu_time_is_that_of_the_thread_clock():
    [line] = run("same_total")
    assert line.startswith("True"), line


@pytest.mark.skipif(importlib.util.find_spec("greenlet") is None, reason="greenlet is not installed")
def test_greenlets_have_places_of_their_own():
    assert run("greenlets") == [
        "first 1 [('leaf', 2)]",
        "second 1 [('inside', 1)]",
        "inside 1 [('leaf', 1)]",
        "13 0 0",
    ]


@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")
def test_gevent():
    assert run("gevents") == ["3 6 0 0"]
