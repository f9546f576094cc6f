"""asyncio and greenlets: what stands under what, against shares known from ``time.thread_time``."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest
from conftest import collapsed, stats

pytestmark = pytest.mark.skipif(
    not (3, 11) <= sys.version_info < (3, 14), reason="tasks of this release are not joined yet"
)
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")


def logical(stack: tuple[str, ...]) -> str:
    """The stack from ``main`` to the caller of ``burn``, without the scopes of nested functions."""
    names = [name.rpartition(".")[2] for name in stack[:-1]]
    start = names.index("main") if "main" in names else 0
    # An eager task runs inside of what creates it.
    creating = {"gather", "ensure_future", "create_task", "factory"}
    return ";".join(name for name in names[start:] if name not in creating)


def burnt(stacks: dict[tuple[str, ...], int]) -> dict[str, float]:
    """Share of what was burnt by logical path."""
    found: dict[str, int] = {}
    for stack, value in stacks.items():
        if stack[-1] == "burn":
            found[logical(stack)] = found.get(logical(stack), 0) + value
    return {path: value / sum(found.values()) for path, value in found.items()}


def check_shares(program, most: float = 0.05) -> dict[tuple[str, ...], int]:
    """Compares the shares of all logical paths with the true ones; returns the stacks.

    A run burns 5 to 9 s at 1000 Hz: 5,000 samples at least. With eight paths the expected distance
    (total variation) is under 1.5 points by chance alone. On a machine with ten times more to run than
    cores, ticks that find the thread taken off its core repeat one place, which about doubles that; 5
    is more than four standard errors of any one share even then.
    """
    used = json.loads(program.line())
    stacks = collapsed(program.socket())
    found = burnt(stacks)
    true = {path: value / sum(used.values()) for path, value in used.items()}
    distance = sum(abs(true.get(path, 0) - found.get(path, 0)) for path in {*true, *found}) / 2
    assert distance < most, (distance, true, found)
    return stacks


FAST = {"PYROMETER_RATE": "1000", "PYROMETER_BUDGET": "1"}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_gathered_tasks_stand_under_their_parents(run, loop):
    stacks = check_shares(run("tasks", "gathered", "10", loop, **FAST))
    for stack in stacks:
        if "gathered" in stack:
            assert "BaseEventLoop._run_once" not in stack and "BaseEventLoop.run_forever" not in stack, stack
    # What the loop does for itself stays its own, and a task stands under what called the loop.
    if loop == "asyncio":
        assert any("BaseEventLoop._run_once" in stack for stack in stacks)
    assert any(stack[:3] == ("<module>", "run", "Runner.run") for stack in stacks if "light" in stack) or (
        loop == "uvloop"
    )


@eager
def test_eager_tasks_stand_under_their_creators(run):
    check_shares(run("tasks", "gathered", "10", "asyncio", "eager", **FAST))


def test_every_way_to_wait_leads_to_the_waiting_task(run):
    check_shares(run("tasks", "grouped", "6", **FAST))


def test_tasks_that_nobody_waits_for_stand_where_they_were_created(run):
    check_shares(run("tasks", "orphaned", "6", **FAST))


def test_tasks_that_raise_or_are_cancelled_are_counted_like_others(run):
    check_shares(run("tasks", "failing", "8", **FAST))


def test_awaiters_share_evenly(run):
    program = run("tasks", "shared", "5", **FAST)
    program.line()
    found = burnt(collapsed(program.socket()))
    # 5,000 samples, each of either with the same chance: one standard error is 0.7 points.
    assert abs(found["main;shared;first;work"] - 0.5) < 0.04, found
    assert abs(found["main;shared;second;work"] - 0.5) < 0.04, found


def test_several_loops_in_several_threads(run):
    check_shares(run("tasks", "threaded", "6", **FAST))


def test_suspended_tasks_count_as_waiting_and_not_as_cpu(run):
    program = run("tasks", "suspended", "5", **FAST)
    program.line()
    wait = collapsed(program.socket(), "wait")
    places = {"place_a": 0.0, "place_b": 0.0}
    for stack, value in wait.items():
        names = [name.rpartition(".")[2] for name in stack]
        if "place_a" in names:
            assert names[:2] == ["main", "suspended"], stack
            places["place_b" if "place_b" in names else "place_a"] += value / 1e9
    # 30 and 10 tasks for 5 s. All of them are looked at in every walk, and walks cover the time but
    # for the first 10 ms and what the machine delays.
    assert 120 < places["place_a"] <= 152, places
    assert places["place_a"] == pytest.approx(3 * places["place_b"], rel=0.02), places
    cpu = collapsed(program.socket(), "cpu")
    # Each starts and ends once; that is all the CPU that they use.
    assert sum(value for stack, value in cpu.items() if "place_a" in stack[-1]) < 50e6, cpu
    wall = sum(collapsed(program.socket(), "wall").values())
    assert wall < 10e9, "thread wall time is threads x time, however many tasks there are"


def test_a_large_registry_is_sampled_without_bias(run):
    program = run("tasks", "crowd", "6", **FAST)
    program.line()
    wait = collapsed(program.socket(), "wait")
    total = {"few": 0.0, "many": 0.0}
    for stack, value in wait.items():
        for name in total:
            total[name] += value / 1e9 * (name in [part.rpartition(".")[2] for part in stack])
    # 2,000 and 18,000 tasks, of which 64 are looked at 100 times a second: 30,000 looks in 5 s, one
    # standard error of the share is 0.2 points.
    assert abs(total["few"] / sum(total.values()) - 0.1) < 0.02, total


def test_tasks_that_come_and_go_quickly_do_no_harm(run):
    """Everything that is read may be freed and used again meanwhile."""
    program = run("tasks", "storm", "6", **FAST)
    made = json.loads(program.line())["made"]
    assert made > 1000
    assert stats(program.socket())["agent"]["state"] == "running"
    assert program.finish()[0] == 0


def test_the_program_sees_nothing_of_the_hook(run):
    program = run("tasks_untouched", **FAST)
    assert json.loads(program.line()) == {"wrong": []}
    assert program.finish() == (0, "")


def test_work_of_pools_stands_under_its_submitter_where_asked_for(run):
    program = run("pools", "5", PYROMETER_JOIN_THREADS="1", **FAST)
    used = json.loads(program.line())
    found = burnt(collapsed(program.socket()))
    # How much two threads get that want one GIL is another test's subject; here, under what.
    assert all(found.get(path, 0) > 0.02 for path in used), (used, found)
    assert sum(share for path, share in found.items() if path not in used) < 0.02, found
    alone = run("pools", "1", **FAST)
    alone.line()
    burning = [stack for stack in collapsed(alone.socket()) if stack[-1] == "burn"]
    assert burning and all("_worker" in stack for stack in burning), burning


def missing(name: str) -> bool:
    return importlib.util.find_spec(name) is None


@pytest.mark.skipif(missing("gevent"), reason="gevent is not installed here")
def test_greenlets_stand_under_what_spawned_them(run):
    stacks = check_shares(run("greenlets", "gevent", "10", **FAST))
    hub = {stack: value for stack, value in stacks.items() if "Hub.run" in stack}
    apart = sum(value for stack, value in hub.items() if stack[0] == "gevent hub")
    # A switch is several steps; a sample in the middle of one, or taken before gevent was known, may
    # have the hub elsewhere. The hub itself has few samples, so what is elsewhere is held against all.
    assert apart > 0, hub
    assert sum(hub.values()) - apart < 0.01 * sum(stacks.values()), hub


@pytest.mark.skipif(missing("greenlet"), reason="greenlet is not installed here")
def test_plain_greenlets_stand_under_their_parent(run):
    check_shares(run("greenlets", "plain", "7", **FAST))
