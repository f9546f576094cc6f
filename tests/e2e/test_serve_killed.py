"""`kill -9` of `serve` at any moment: nothing is lost and nothing is counted twice."""

from __future__ import annotations

import json
import random
import signal
import time

from account import counted, settle, traffic
from stack import CPU, SAMPLES, WALL, Stack, eventually, worker_page

PROCESSES = 5
WINDOWS = 3
SEED = 20_261_121


def closed(target: str) -> int:
    return json.loads(worker_page(target, "/stats")[2])["windows"]["closed"]


def flamegraph_account(stack: Stack, pid: int) -> tuple[int, ...]:
    """Samples, wall and CPU as the flamegraphs of one process show them."""
    answers = [
        stack.get("flamegraph", query=f'{{pid="{pid}"}}', type=one, from_="now-1h")
        for one in (SAMPLES, WALL, CPU)
    ]
    assert all(answer["gaps"] == [] for answer in answers)
    assert {answer["samples"] for answer in answers} == {answers[0]["total"]}
    return tuple(answer["total"] for answer in answers)


def test_nothing_is_lost_or_counted_twice(stack: Stack) -> None:
    moments = random.Random(SEED)
    serve = stack.serve("--poll-interval", "1")
    url = stack.known_shares()
    up = eventually("all workers are known", lambda: len(found := stack.workers()) == PROCESSES and found)
    targets = {worker["id"]: worker["target"] for worker in up}

    kills = 0
    with traffic(url + "/?ms=10", visitors=3) as requests:
        first = {target: closed(target) for target in targets.values()}
        while any(closed(target) < first[target] + WINDOWS for target in targets.values()):
            # Not to wait for anything: to be killed at another point of a poll each time.
            time.sleep(moments.uniform(0.01, 0.9))
            assert serve.end(signal.SIGKILL) == -signal.SIGKILL
            kills += 1
            serve = stack.serve("--poll-interval", "1")
    assert requests.failed == 0
    assert kills >= 10

    assert {worker["id"] for worker in settle(stack, PROCESSES)} == targets.keys()
    for worker in stack.workers():
        shown, expected = eventually(
            "no window closes between readings", lambda one=worker: steady(stack, one)
        )
        assert shown == expected


def steady(stack: Stack, worker: dict) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """What is shown and what is counted, if one and the same window was the last before and after."""

    def windows() -> int:
        return next(one["windows"] for one in stack.workers() if one["id"] == worker["id"])

    before = counted(worker["target"])
    if windows() != before[0]:
        return None
    shown = flamegraph_account(stack, worker["pid"])
    return (shown, before[1:]) if windows() == before[0] == closed(worker["target"]) else None
