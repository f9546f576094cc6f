"""Many threads, huge and short-lived code: the agent keeps its budget and its bounds."""

from __future__ import annotations

import json

import pytest
from conftest import collapsed, get, slow, stats, windows_closed

WINDOW_SECONDS = 10


@slow
def test_the_budget_holds_with_one_fifty_and_a_thousand_threads(run):
    programs = {count: run("load", "threads", str(count)) for count in (1, 50, 1000)}
    for program in programs.values():
        assert json.loads(program.line())["running"]
    paths = {count: program.socket() for count, program in programs.items()}
    # The first window is partial, and in it the code is met for the first time.
    first = {count: windows_closed(path, 1) for count, path in paths.items()}
    last = {
        count: windows_closed(path, first[count]["windows"]["closed"] + 2) for count, path in paths.items()
    }
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
    first = windows_closed(path, 2)
    now = windows_closed(path, 4)
    used = now["agent"]["cpu_ns"] - first["agent"]["cpu_ns"]
    print(f"10000 threads: {used / 2e8:.2f} % of a core, before {first['agent']}, after {now['agent']}")
    # The rate is at its lowest then; each tick looks at ten thousand clocks.
    assert used < 2 * WINDOW_SECONDS * 1e9 * 0.04
    # Reading all stacks for the first time is one tick.
    assert first["agent"]["cpu_ns"] < 1.5e9
    assert now["agent"]["state"] == "running"
    assert now["agent"]["memory_bytes"] < 32 << 20
    stacks = collapsed(path, "samples")
    busy = sum(value for stack, value in stacks.items() if "until_the_end" in stack)
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
    program = run("load", "new code", "4000")
    told = json.loads(program.line())
    assert told["running"]
    # 21 new stacks each: both generations of tables are full by then, which is what may grow.
    grown = max(told["sizes"]) - told["sizes"][0]
    agent = stats(program.socket())["agent"]
    print(f"{grown >> 20} MiB more, {agent}")
    assert grown < 48 << 20
    assert agent["state"] == "running"
    # What did not fit is counted, not forgotten.
    stacks = collapsed(program.socket(), "samples")
    folded = sum(value for stack, value in stacks.items() if stack == ("(other)",))
    assert agent["folded"] <= folded + agent["ticks"]
    assert program.finish() == (0, "")
