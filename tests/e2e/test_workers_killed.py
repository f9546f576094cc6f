"""Workers end, by force or politely, and gunicorn replaces them: no life is mixed up with another."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from account import counted, settle, stored, traffic
from stack import Stack, eventually

PROCESSES = 5


def row(stack: Stack, incarnation: str) -> dict:
    return next(worker for worker in stack.get("workers")["workers"] if worker["id"] == incarnation)


def replaced(stack: Stack, gone: dict) -> None:
    """Waits until ``gone`` is shown as exited and all places are taken again."""
    eventually("it is shown as exited", lambda: row(stack, gone["id"])["state"] == "exited")
    up = eventually("it is replaced", lambda: len(found := stack.workers()) == PROCESSES and found)
    assert gone["id"] not in {worker["id"] for worker in up}
    assert gone["pid"] not in {worker["pid"] for worker in up}


def test_a_killed_and_a_terminated_worker_are_replaced(stack: Stack) -> None:
    stack.serve("--poll-interval", "1")
    url = stack.known_shares()
    master = stack.started[-1]
    with traffic(url + "/?ms=10", visitors=3) as requests:
        eventually("all workers are known", lambda: len(stack.workers()) == PROCESSES)
        up = settle(stack, PROCESSES)
        killed, ended = [worker for worker in up if worker["pid"] != master.pid][:2]

        last_words = counted(killed["target"])
        os.kill(killed["pid"], signal.SIGKILL)
        replaced(stack, killed)
        # What it had not closed is lost with it; what it had closed is there.
        assert stored(row(stack, killed["id"])) >= last_words

        before = counted(ended["target"])
        os.kill(ended["pid"], signal.SIGTERM)
        replaced(stack, ended)
        final = eventually("the spool is read", lambda: spooled(stack, ended, before[0]))
        assert all(now > then for now, then in zip(stored(final), before, strict=True))
        assert final["missed_windows"] == 0
    assert requests.answered > 0
    assert master.exit_code() is None
    settle(stack, PROCESSES)

    alive = {worker["pid"] for worker in stack.workers()}

    def sockets() -> set[int]:
        return {int(path.name.partition("-")[0]) for path in stack.sockets.glob("*.sock")}

    eventually("no stale sockets remain", lambda: sockets() == alive)
    spool_alone_tells_the_same(stack, ended)


def spooled(stack: Stack, worker: dict, closed: int) -> dict | None:
    """The row of an ended worker once it has the window that its end cut short."""
    found = row(stack, worker["id"])
    return found if found["windows"] > closed else None


def spool_alone_tells_the_same(stack: Stack, ended: dict) -> None:
    """The last word: a collector that never met the worker comes to the same account."""
    known = row(stack, ended["id"])
    assert known["windows"] <= 6, "all its windows fit into a spool file; the test was too slow otherwise"
    [spool] = stack.sockets.glob(f"{ended['pid']}-*.spool")
    elsewhere: Path = stack.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    shutil.copy(spool, elsewhere)
    first_address = stack.address
    stack.serve("--dir", elsewhere, data="other", name="other-serve")
    [alone] = eventually("the spool is read elsewhere", lambda: stack.workers("exited"))
    stack.address = first_address
    assert (alone["id"], stored(alone)) == (known["id"], stored(known))
