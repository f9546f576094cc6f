"""Fork and exec: every child its own incarnation, the parent unharmed, nothing left behind."""

from __future__ import annotations

import json

import pytest
from conftest import stats


@pytest.mark.parametrize("way", ["main", "thread", "multiprocessing"])
def test_children_have_agents_of_their_own(run, way):
    program = run("forks", way)
    told = json.loads(program.line())
    assert told["codes"] and set(told["codes"]) == {0}
    assert told["running"] and told["same"]


def test_a_fork_of_the_main_thread_sees_no_thread_of_ours(run):
    """From 3.12 on the interpreter warns of a fork with threads; ours must not cause it."""
    program = run("forks", "main", flags=("-W", "error"))
    assert json.loads(program.line())["codes"] == [0] * 5
    assert program.finish() == (0, "")


def test_the_parent_goes_on_sampling_after_many_forks(run):
    program = run("forks", "storm", PYROMETER_BUDGET="1")
    told = json.loads(program.line())
    assert told["codes"] == [0] * 200 and told["running"]
    # Waits for two more windows; in the second nothing but sampling goes on.
    path = program.socket()
    seen = [stats(path)]
    while len(seen) < 3:
        now = stats(path)
        if now["windows"]["closed"] > seen[-1]["windows"]["closed"]:
            seen.append(now)
    used = seen[2]["agent"]["cpu_ns"] - seen[1]["agent"]["cpu_ns"]
    assert used < 0.05 * 10e9, "a thread of ours spins"
    assert seen[2]["agent"]["ticks"] > seen[1]["agent"]["ticks"]


def test_nothing_of_ours_survives_an_exec(run):
    program = run("forks", "exec")
    left = program.line()
    assert "socket:" not in left and "eventfd" not in left
    assert left.endswith(" 1"), left
