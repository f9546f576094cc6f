"""The workloads, started and asked for their truth. What each is, its program says.

A subject is a running workload: its processes, the threads that are its own (every other thread is a
profiler's), and its exact CPU by path so far. Subjects know no profiler.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from measure import NotMeasured, children_of, thread_cpu_ns
from targets import END_SECONDS, PROGRAMS, Process, answers, free_port, program, running, wait_until

from .packages import Environment
from .shares import OTHER, Truth, truth_of

WORKERS = 2
LIMIT_SECONDS = 90  # no run takes as long; a profiler that hangs its program must not hang the benchmark


@dataclass(frozen=True)
class Workload:
    """One program under measurement; ``package`` is what it imports beyond the standard library."""

    key: str
    what: str
    program: str
    package: str = ""
    forks: bool = False


WORKLOADS = {
    workload.key: workload
    for workload in (
        Workload("W1", "one CPU-bound thread, depth 32", "w1_deep"),
        Workload("W2", "8 threads: CPU, sleep, locks", "w2_threads"),
        Workload("W3", "asyncio, 200 tasks with gather", "w3_tasks"),
        Workload("W4", "gunicorn, 2 workers, under load", "w4_app", "gunicorn", forks=True),
        Workload("W5", "gevent, 240 greenlets", "w5_greenlets", "gevent"),
        Workload("mix", "21 % Python, 42 % sorted, 27 % json, 10 % zlib", "busy"),
        Workload("kernel", "70 % of the CPU in the kernel", "kernel"),
    )
}


@dataclass(frozen=True)
class Spent:
    """CPU nanoseconds by path, and units of work done with them."""

    truth: Truth
    units: int

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(self.truth - earlier.truth, self.units - earlier.units)

    @property
    def units_per_cpu_second(self) -> float | None:
        """How fast the program gets on; nothing where it does not count."""
        return self.units / sum(self.truth.values()) * 1e9 if self.units else None


class Subject:
    """A running program of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.folder = process.folder
        ready = process.next_line()
        self.threads: dict[int, list[int]] = {process.pid: ready.get("threads") or [ready["thread"]]}

    @property
    def pids(self) -> list[int]:
        return list(self.threads)

    def spent(self, *, hold: bool = False) -> Spent:
        """All since the program began. Held, it does nothing more after this, where that can be."""
        answer = self.process.ask("hold" if hold else "")
        return Spent(truth_of(answer.get("used", answer)), answer.get("units", 0))

    def finish(self) -> None:
        """Ends it in order, so that what a profiler inside writes at exit gets written."""
        self.process.popen.communicate(timeout=END_SECONDS)


class Workers(Subject):
    """gunicorn's workers; each is its main thread, and keeps its ledger in a file."""

    def __init__(self, master: Process) -> None:
        self.process = master
        self.folder = master.folder

        def complete() -> bool:
            self.threads = {pid: [pid] for pid in children_of(master.pid)}
            return len(self.threads) == WORKERS and all(map(self.ledger, self.threads))

        wait_until(complete, master, f"not {WORKERS} workers that answer requests")

    def ledger(self, pid: int) -> Truth:
        try:
            return truth_of(json.loads((self.folder / f"used-{pid}").read_text()))
        except (FileNotFoundError, ValueError):  # not there yet, or only just made
            return Truth()

    def spent(self, *, hold: bool = False) -> Spent:
        truth: Truth = Truth()
        for pid in self.threads:
            used = self.ledger(pid)
            truth += used
            truth[OTHER] += thread_cpu_ns(pid, pid) - sum(used.values())
        return Spent(truth, 0)

    def finish(self) -> None:
        self.process.popen.terminate()
        self.process.popen.communicate(timeout=END_SECONDS)


@contextmanager
def limited(process: Process) -> Iterator[None]:
    """Kills the program if the block takes too long, which then fails."""
    watchdog = threading.Timer(LIMIT_SECONDS, process.popen.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


@contextmanager
def started(
    workload: Workload, python: str, packages: Environment | None, agent: bool, variables: Mapping[str, str]
) -> Iterator[Subject]:
    """Runs a workload for as long as the block; gunicorn gets its load, too."""
    if workload.package:
        if packages is None:
            raise NotMeasured(f"{workload.package} is not installed for this profiler's Python")
        packages.need(workload.package)
    if not workload.forks:
        words = program(workload.program, python=python)
        with running(words, agent=agent, **variables) as process, limited(process):
            yield Subject(process)
        return
    port = free_port()
    serve = [python, "-m", "gunicorn", "--workers", WORKERS, "--bind", f"127.0.0.1:{port}", "--preload"]
    serve += ["--pythonpath", PROGRAMS, "--log-level", "warning", f"{workload.program}:application"]
    with running(serve, agent=agent, **variables) as master:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), master, "gunicorn does not answer")
        with running(program("w4_load", port)) as load, limited(master):
            load.next_line()
            yield Workers(master)
