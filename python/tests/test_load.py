"""Many threads, huge and short-lived code: the agent keeps its budget and its bounds."""

from __future__ import annotations

import json
import time

import pytest
from conftest import collapsed, get, slow, stats, supported

pytestmark = supported

WINDOW_SECONDS = 10


def windows_closed(path: str, count: int) -> dict:
    """The counters as soon as so many windows are closed."""
    while True:
        now = stats(path)
        if now["windows"]["closed"] >= count:
            return now
        time.sleep(0.1)


@slow
def test_the_budget_holds_with_one_fifty_and_a_thousand_threads(run):
    programs = {count: run("load", "threads", str(count)) for count in (1, 50, 1000)}
    for program in programs.values():
        assert json.loads(program.line())["running"]
    paths = {count: program.socket() for count, program in programs.items()}
    # The first window is partial, and in it the code is met for the first time.
    first = {count: windows_closed(path, 1) for count, path in paths.items()}
    last = {count: windows_closed(path, first[count]["windows"]["closed"] + 2) for count, path in paths.items()}
    for count in programs:
        windows = last[count]["windows"]["closed"] - first[count]["windows"]["closed"]
        used = last[count]["agent"]["cpu_ns"] - first[count]["agent"]["cpu_ns"]
        share = used / (windows * WINDOW_SECONDS * 1e9)
        print(f"{count} threads: {100 * share:.2f} % of a core at {last[count]['agent']['rate_hz']} Hz")
        assert share <= 0.01 * 1.2, count
        assert last[count]["agent"]["ticks"] > first[count]["agent"]["ticks"], "it goes on sampling"


@slow
def test_ten_thousand_threads(run):
    program = run("load", "threads", "10000")
    assert json.loads(program.line())["running"]
    path = program.socket()
    started = time.monotonic()
    now = windows_closed(path, 2)
    lived = time.monotonic() - started
    # The allowance that is there at the start, and the budget since then; half a window of slack.
    assert now["agent"]["cpu_ns"] < (0.05 + 0.01 * (lived + 5)) * 1e9 * 1.2
    assert now["agent"]["state"] == "running"
    assert now["agent"]["memory_bytes"] < 32 << 20
    stacks = collapsed(path, "samples")
    busy = sum(value for stack, value in stacks.items() if "until_the_end" in stack)
    print(f"{now['agent']}, {sum(stacks.values())} samples, {busy} of the busy thread")
    # All threads are seen, each as often as any other.
    assert sum(stacks.values()) >= 10_000 * busy > 0
    # Exact CPU does not depend on the rate: all of it is the busy thread's.
    assert now["totals"]["cpu_ns"] > 0.5e9
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    assert json.loads(program.line())["grown"] < 64 << 20
    assert program.finish() == (0, "")


@pytest.mark.parametrize("lines", [100_000])
def test_huge_code_is_sampled_as_any(run, lines):
    program = run("load", "huge code", str(lines))
    assert json.loads(program.line())["running"]
    stacks = collapsed(program.socket())
    assert any(stack[-2:] == ("huge", "work") for stack in stacks), stacks
    assert any(stack[-2:] == ("strange", "work") or "strange" in "".join(stack) for stack in stacks), stacks
    status, body = get(program.socket(), "/feed?since=0")
    assert status == 200 and len(body) < 1 << 20
    assert program.finish() == (0, "")


@slow
def test_memory_is_flat_over_stacks_that_never_come_again(run):
    program = run("load", "new code", "60")
    told = json.loads(program.line())
    assert told["running"] and told["made"] > 2000
    # Two generations of tables and the ring are full after half a minute of this.
    grown = max(told["sizes"][5:]) - told["sizes"][0]
    agent = stats(program.socket())["agent"]
    print(f"{told['made']} functions times 21, {grown >> 20} MiB more, {agent}")
    assert grown < 48 << 20
    assert agent["state"] == "running"
    # What did not fit is counted, not forgotten.
    stacks = collapsed(program.socket(), "samples")
    folded = sum(value for stack, value in stacks.items() if stack == ("(other)",))
    assert agent["folded"] <= folded + agent["ticks"]
    assert program.finish() == (0, "")
