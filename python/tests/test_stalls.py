"""Processes that are stopped, or get hardly any CPU: what is counted stays true."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import slow, stats, windows_closed

pytestmark = slow

# Longer than one sample may stand for (MAX_GAP_NS in crates/agent/src/sampler).
STOPPED_SECONDS = 7
THREADS = 5


def ended(program) -> dict:
    """What the program says of itself at its end."""
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    told = json.loads(program.line())
    assert program.finish() == (0, "")
    return told


def test_a_stopped_process_is_not_said_to_have_waited(run):
    program = run("load", "threads", str(THREADS))
    started = time.monotonic()
    assert json.loads(program.line())["running"]
    path = program.socket()
    before = windows_closed(path, 1)
    program.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    program.process.send_signal(signal.SIGCONT)
    now = windows_closed(path, before["windows"]["closed"] + 2)
    lived = time.monotonic() - started
    assert now["agent"]["state"] == "running"
    assert now["windows"]["dropped"] == 0
    # Each thread, and at most 5 of the 7 seconds.
    assert now["totals"]["wall_ns"] <= (THREADS + 2) * (lived - (STOPPED_SECONDS - 5)) * 1e9
    assert now["totals"]["cpu_ns"] <= ended(program)["cpu_ns"]


@pytest.fixture
def tenth_of_a_core() -> Iterator[Path]:
    """A control group with 10 ms of CPU in 100 ms; version 2 or 1, as the machine has it."""
    root = Path("/sys/fs/cgroup")
    name = f"pyrometer-test-{os.getpid()}"
    if (root / "cgroup.controllers").exists():
        group, settings = root / name, {"cpu.max": "10000 100000"}
    else:
        group = root / "cpu" / name
        settings = {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "10000"}
    try:
        group.mkdir()
        for file, value in settings.items():
            (group / file).write_text(value)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.rmdir()


def test_a_tiny_quota_of_cpu(run, tenth_of_a_core):
    program = run("load", "threads", str(THREADS))
    assert json.loads(program.line())["running"]
    (tenth_of_a_core / "cgroup.procs").write_text(str(program.process.pid))
    path = program.socket()
    before = windows_closed(path, 1)
    now = windows_closed(path, before["windows"]["closed"] + 2)
    assert now["agent"]["state"] == "running"
    used = {kind: now[kind]["cpu_ns"] - before[kind]["cpu_ns"] for kind in ("totals", "agent")}
    print(f"of 2 s allowed: {used}")
    # The quota is the program's: ours is a share of it that the budget bounds.
    assert used["agent"] <= 0.01 * 1.2 * 20e9
    assert used["totals"] + used["agent"] <= 2e9 * 1.15
    assert used["totals"] >= 1e9
    assert stats(path)["totals"]["cpu_ns"] <= ended(program)["cpu_ns"]
