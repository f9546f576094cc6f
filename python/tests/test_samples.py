"""What is sampled: shares against ``time.thread_time``, shapes of stacks, reuse of addresses."""

from __future__ import annotations

import json
import re

from conftest import collapsed, get, share, stats


def test_cpu_shares_are_those_of_the_thread_clock(run):
    # 6 s of CPU at 1000 Hz are about 6,000 samples: one standard error of a share is at most 0.7
    # points, so a deviation of 3 has a false-alarm rate of about 1 in 50,000.
    program = run("shares", PYROMETER_RATE="1000", PYROMETER_BUDGET="1")
    used = json.loads(program.line())
    stacks = collapsed(program.socket())
    found = {name: share(stacks, name) for name in used}
    for name, nanoseconds in used.items():
        assert abs(found[name] - nanoseconds / sum(used.values())) < 0.03, (found, used)


def test_a_waiting_thread_costs_wall_time_and_no_cpu(run):
    program = run("idle", PYROMETER_RATE="500", PYROMETER_BUDGET="1")
    program.line()
    while stats(program.socket())["windows"]["closed"] == 0:
        pass
    wall = collapsed(program.socket(), "wall")
    assert share(wall, "wait_for_the_end") > 0.9
    totals = stats(program.socket())["totals"]
    assert totals["cpu_ns"] < totals["wall_ns"] * 0.1


def test_stacks_are_right_at_any_depth(run):
    for depth in (10, 900):
        program = run("deep", "recursion", str(depth))
        assert program.line() == "ready"
        stack = stack_with(program, "spin")
        assert stack.count("descend") == depth + 1
        assert stack[-1] == "spin"
        assert program.finish()[0] == 0


def test_a_stack_beyond_the_bound_keeps_its_leaf_side(run):
    program = run("deep", "recursion", "50000")
    assert program.line() == "ready"
    stack = stack_with(program, "spin")
    assert stack[-1] == "spin" and 500 < stack.count("descend") <= 1024
    assert program.finish()[0] == 0


def test_generators_stand_under_their_callers(run):
    program = run("deep", "generator")
    assert program.line() == "ready"
    stack = stack_with(program, "spin")
    assert stack.count("generator") == 21


def test_many_threads_stay_within_the_budget(run):
    program = run("deep", "threads", "400", PYROMETER_RATE="1000")
    assert program.line() == "ready"
    path = program.socket()
    while stats(path)["windows"]["closed"] < 2:
        stack_with(program, "spin")
    agent = stats(path)["agent"]
    assert agent["rate_hz"] < 1000, "the governor lowered the rate"
    assert agent["state"] == "running"


def test_a_freed_code_objects_address_is_not_mistaken(run):
    program = run("churn")
    made = json.loads(program.line())["made"]
    assert made > 50
    stacks = collapsed(program.socket())
    wrong = right = 0
    for stack, value in stacks.items():
        numbers = {re.sub(r"\D", "", name) for name in stack if re.match(r"(made|only)_\d", name)}
        right += value * (len(numbers) == 1)
        wrong += value * (len(numbers) > 1)
    # Every address involved is used again at once here, most often with all parts of the object where
    # those of the last one were.
    assert right > 0
    assert wrong == 0, stacks


def test_pprof_is_gzip_and_takes_its_time(run):
    program = run("deep", "recursion", "5")
    program.line()
    status, body = get(program.socket(), "/debug/pprof/profile?seconds=1")
    assert status == 200 and body[:2] == b"\x1f\x8b"


def stack_with(program, name: str) -> tuple[str, ...]:
    """The costliest stack with ``name`` in it, once there is one."""
    for _ in range(2000):
        stacks = {stack: value for stack, value in collapsed(program.socket()).items() if name in stack}
        if stacks and sum(stacks.values()) > 100_000_000:
            return max(stacks, key=stacks.get)
    raise AssertionError("never seen: " + name)
