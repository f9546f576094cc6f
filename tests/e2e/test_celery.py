"""Celery's prefork pool under `pyrometer run`: its children are workers, and its tasks are in the table."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from account import settle
from stack import CPU, PYROMETER, Stack, eventually

HERE = Path(__file__).parent
CONCURRENCY = 2
TASKS = 40
PACKAGES = ["celery==5.7.0"]


def test_prefork_children_and_their_tasks_are_profiled(
    stack: Stack, python_of: Callable, environment_of: Callable
) -> None:
    binaries = environment_of("celery", python_of("3.11"), PACKAGES)
    stack.environment["E2E_BROKER"] = str(stack.folder / "broker")
    celery = [binaries / "celery", "-A", "tasks_for_celery"]
    pool = [
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        CONCURRENCY,
        "--loglevel",
        "INFO",
        "--without-mingle",
        "--without-gossip",
    ]

    stack.serve("--poll-interval", "1")
    worker = stack.start("celery", [PYROMETER, "run", "--service", "jobs", "--", *celery, *pool], cwd=HERE)
    worker.said(r"(celery@\S+ ready)")
    send = f"from tasks_for_celery import burn_in_a_task as burn; [burn.delay(100) for _ in range({TASKS})]"
    subprocess.run([binaries / "python", "-c", send], check=True, cwd=HERE, env=stack.environment)

    eventually("all tasks are done", lambda: worker.text().count("succeeded in") == TASKS)
    settle(stack, CONCURRENCY + 1)

    table = stack.get("table", query='{service="jobs"}', type=CPU, from_="now-1h")
    [task] = [row for row in table["functions"] if row["name"] == "burn_in_a_task"]
    spent = TASKS * 100_000_000
    assert 0.9 < task["total"] / spent < 1.1
    pids = stack.get("labels/pid/values", query='{service="jobs"}', type=CPU, from_="now-1h")["values"]
    assert len(pids) == CONCURRENCY + 1

    assert worker.end(signal.SIGTERM) == 0
    assert "Traceback" not in worker.text()
