"""What must agree: workers' own counters with what is stored, and shares of CPU with the truth.

Counters are compared exactly. `/stats` counts closed windows only, so both sides are compared when they
speak of the same number of windows; sums that differ then are an error at once and not asked for again.
"""

from __future__ import annotations

import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stack import CPU, Stack, eventually, worker_page

FUNCTIONS = ("spend_10", "spend_20", "spend_30", "spend_40")

Account = tuple[int, int, int, int]


def stored(worker: dict[str, Any]) -> Account:
    """Windows, samples, wall and CPU nanoseconds of a row of `workers`."""
    return worker["windows"], worker["samples"], worker["wall_ns"], worker["cpu_ns"]


def counted(target: str) -> Account:
    """The same, as the worker counted them."""
    status, _, body = worker_page(target, "/stats")
    assert status == 200, body
    stats = json.loads(body)
    assert stats["windows"]["dropped"] == 0
    totals = stats["totals"]
    return stats["windows"]["closed"], totals["samples"], totals["wall_ns"], totals["cpu_ns"]


def agrees(worker: dict[str, Any]) -> bool:
    """Whether all closed windows are stored; if so, every sum must be exactly the worker's."""
    account = counted(worker["target"])
    if account[0] != worker["windows"]:
        assert worker["windows"] <= account[0], f"more windows than there are: {worker} {account}"
        return False
    assert stored(worker) == account, f"(windows, samples, wall, cpu) stored and counted of {worker['id']}"
    assert worker["missed_windows"] == 0
    return True


def settle(stack: Stack, workers: int, since: float | None = None) -> list[dict[str, Any]]:
    """Waits until what happened before now (``since``) is stored of so many workers, exactly."""
    since = time.time() if since is None else since

    def settled() -> list[dict[str, Any]]:
        up = stack.workers()
        # The worker is asked after the API: it may be ahead, and then both are asked again.
        complete = all((worker["last_window"] or 0) > since and agrees(worker) for worker in up)
        return up if complete and len(up) == workers else []

    return eventually(f"{workers} workers with all their windows stored", settled)


def truth(stack: Stack) -> dict[str, int]:
    """CPU nanoseconds by function, as all processes of known_shares counted them."""
    accounts = [json.loads(path.read_bytes()) for path in stack.truth.glob("*.json")]
    return {name: sum(account["thread_time_ns"][name] for account in accounts) for name in FUNCTIONS}


def observed(stack: Stack, profile_type: str = CPU, **interval: Any) -> dict[str, int]:
    """Totals of the four functions."""
    interval = interval or {"from_": "now-1h"}
    table = stack.get("table", query='{service="known"}', type=profile_type, **interval)
    totals = {row["name"]: row["total"] for row in table["functions"]}
    return {name: totals.get(name, 0) for name in FUNCTIONS}


def busy_samples(found: dict[str, int], rate_hz: int) -> int:
    """How many samples a share rests on: CPU seconds times rate. Threads that wait for a core or for the
    GIL are sampled, too, but weigh nothing."""
    return sum(found.values()) * rate_hz // 1_000_000_000


def assert_shares(found: dict[str, int], expected: dict[str, int], samples: int, points: float = 3) -> None:
    """Shares among the four agree within ``points``; ``samples`` is for the message."""
    shares = {name: 100 * found[name] / sum(found.values()) for name in FUNCTIONS}
    truths = {name: 100 * expected[name] / sum(expected.values()) for name in FUNCTIONS}
    deviation = max(abs(shares[name] - truths[name]) for name in FUNCTIONS)
    error = 100 * math.sqrt(0.25 / samples)
    text = f"{samples} samples (standard error below {error:.2f}), shares {shares}, truth {truths}"
    print(text)
    assert deviation < points, text


class Traffic:
    """Requests that are under way, and how they were answered."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answered = 0
        self.failed = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                with urllib.request.urlopen(self.url, timeout=60) as answer:
                    answer.read()
                self.answered += 1
            except (OSError, urllib.error.URLError):
                # A worker that is killed takes its request along; tests that kill none check this.
                self.failed += 1

    def stop(self) -> None:
        self._stopped.set()


@contextmanager
def traffic(url: str, visitors: int = 6) -> Iterator[Traffic]:
    """So many visitors, each with one request at a time."""
    requests = Traffic(url)
    threads = [threading.Thread(target=requests.run) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        yield requests
    finally:
        requests.stop()
        for thread in threads:
            thread.join()
