"""A wait has the CPU that it costs, and not that of the wake-ups for nothing.

Sync workers of gunicorn wait for one socket together: a connection wakes up all of them, one serves it,
and the others stand in a queue for a core only to wait again. Which CPU that costs, each worker measures
itself by `time.thread_time_ns` around its wait.
"""

from __future__ import annotations

import json
from pathlib import Path

from account import observed, settle, traffic
from stack import CPU, Stack, eventually

# 2 points are four standard errors of a share of 5 % among 2,000 samples.
POINTS = 2
ENOUGH_NS = 10_000_000_000
PROCESSES = 5

CONFIG = """
import json, os, time

def post_fork(server, worker):
    inner, spent = worker.wait, [0]
    def wait(timeout):
        start = time.thread_time_ns()
        try:
            return inner(timeout)
        finally:
            spent[0] += time.thread_time_ns() - start
    worker.wait, worker.spent = wait, spent

def worker_exit(server, worker):
    with open(f"{os.environ['KNOWN_SHARES_DIR']}/{os.getpid()}.wait", "w") as file:
        json.dump([worker.spent[0], time.thread_time_ns()], file)
"""


def test_workers_that_are_woken_for_nothing(stack: Stack, tmp_path: Path) -> None:
    stack.environment["PYROMETER_BUDGET"] = "1"
    stack.serve("--poll-interval", "1")
    config = tmp_path / "gunicorn.conf.py"
    config.write_text(CONFIG)
    url = stack.known_shares("--config", config, run=("--rate", "250"))
    with traffic(url + "/?ms=10", visitors=2):
        eventually("enough is stored", lambda: sum(observed(stack).values()) >= ENOUGH_NS)
    settle(stack, PROCESSES)
    table = stack.get("table", query='{service="known"}', type=CPU, from_="now-1h")
    wait_ns = sum(row["total"] for row in table["functions"] if row["name"] == "SyncWorker.wait")
    found = 100 * wait_ns / table["total"]
    for process in stack.started[1:]:
        process.end()
    measured = [json.loads(path.read_bytes()) for path in stack.truth.glob("*.wait")]
    assert len(measured) == PROCESSES - 1
    expected = 100 * sum(wait for wait, _ in measured) / sum(total for _, total in measured)
    text = f"{found:.2f} % of CPU in the wait, {expected:.2f} % measured"
    print(text)
    assert abs(found - expected) < POINTS, text
