"""The rounds: every row of the table observes every workload once per round, in changing order.

A cell is a row on one workload at one rate. It keeps the values of every run and the reasons of those
that failed; a cell that failed twice is given up, and nothing is put in the place of what is missing.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from measure import NotMeasured
from targets import interpreters

from . import inside, outside
from .observe import Setting
from .packages import Environment, environment, interpreter
from .workloads import WORKLOADS, started

Profiler = inside.Inside | inside.Nobody | outside.Outside
Run = tuple[str, int]  # workload and rate

SECONDS, SETTLE_SECONDS, SYSTEM_CALL_SECONDS = 4.0, 1.0, 1.0
QUICK_SECONDS, QUICK_SETTLE_SECONDS, QUICK_JOBS = 0.8, 0.7, 4
MOST_FAILURES = 2
RUNS: tuple[Run, ...] = (
    ("W1", 100),
    ("W1", 1000),
    ("W2", 100),
    ("W3", 1000),
    ("W4", 100),
    ("W5", 1000),
    ("mix", 1000),
    ("kernel", 1000),
)
VERSION_RUNS: tuple[Run, ...] = (("W1", 100), ("W1", 1000), ("W3", 1000))
COUNTED_RUNS: tuple[Run, ...] = (("W1", 1000), ("W2", 100))  # where system calls are counted


@dataclass
class Cell:
    """What a row measured on one workload at one rate, a value of each kind per round."""

    values: list[dict[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def given_up(self) -> bool:
        return len(self.failures) >= MOST_FAILURES


@dataclass
class Row:
    """A line of a table: a profiler on a Python, with its runs."""

    name: str
    profiler: Profiler
    python: str  # a version
    runs: tuple[Run, ...]
    packages: bool = True  # whether its Python has the peers' environment
    cells: dict[Run, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        only = self.profiler.workloads
        self.runs = tuple(run for run in self.runs if not only or run[0] in only)
        self.cells = {run: Cell() for run in self.runs}


def side_by_side(python: str) -> list[Row]:
    """No profiler, ours, and the peers, on one Python but for a peer that has its own."""
    profilers = (inside.NOBODY, inside.OURS, outside.OURS, *outside.PEERS, *inside.PEERS)
    return [
        Row(profiler.name, profiler, profiler.python or python, RUNS, packages=not profiler.python)
        for profiler in profilers
    ]


def all_versions() -> list[Row]:
    """Our agent on every Python found."""
    return [
        Row(f"Python {version}", inside.OURS, version, VERSION_RUNS, packages=False)
        for version in interpreters()
    ]


def once(row: Row, run: Run, packages: Environment, quick: bool) -> dict[str, float]:
    """One run; raises `NotMeasured` with the reason."""
    workload, rate = WORKLOADS[run[0]], run[1]
    seconds, settle = (QUICK_SECONDS, QUICK_SETTLE_SECONDS) if quick else (SECONDS, SETTLE_SECONDS)
    counted = min(seconds, SYSTEM_CALL_SECONDS) if run in COUNTED_RUNS else 0.0
    setting = Setting(workload, rate, seconds, settle, packages, counted)
    python = packages.python if row.packages else interpreter(row.python)
    with inside.server() as (address, pushed):
        variables = row.profiler.variables(setting, address)
        with started(
            workload, python, packages if row.packages else None, row.profiler.agent, variables
        ) as subject:
            return row.profiler.observe(subject, setting, pushed).values()


def attempt(row: Row, run: Run, packages: Environment, quick: bool) -> None:
    cell = row.cells[run]
    if cell.given_up:
        return
    try:
        cell.values.append(once(row, run, packages, quick))
    except NotMeasured as error:
        cell.failures.append(str(error))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
        cell.failures.append(f"{type(error).__name__}: {error}")


def measure(rows: list[Row], python: str, rounds: int, quick: bool) -> None:
    """Fills the cells of the rows. In a quick run several at a time: it tries the method only."""
    packages = environment(python)
    order = random.Random(1)
    progress = Progress(rounds * sum(len(row.runs) for row in rows))
    for number in range(1, rounds + 1):
        todo = [(row, run) for row in rows for run in row.runs]
        order.shuffle(todo)

        def one(task: tuple[Row, Run], number: int = number) -> None:
            attempt(*task, packages, quick)
            progress.step(f"round {number} of {rounds}, {task[0].name} on {task[1][0]}")

        if quick:
            with ThreadPoolExecutor(QUICK_JOBS) as pool:
                list(pool.map(one, todo))
        else:
            for task in todo:
                one(task)
    progress.end()


class Progress:
    """A line that says how far it is and how long it takes; on a terminal it stays one line."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.live = sys.stdout.isatty()
        self.lock = threading.Lock()

    def step(self, what: str) -> None:
        with self.lock:
            self.done += 1
            self.show(what)

    def show(self, what: str) -> None:
        elapsed = time.monotonic() - self.begun
        left = elapsed / self.done * (self.total - self.done)
        text = f"  {self.done} of {self.total}: {what}; about {left / 60:.0f} min left"
        if self.live:
            print(f"\r{text:100}", end="", flush=True)
        elif self.done % max(1, self.total // 20) == 0:
            print(text, flush=True)

    def end(self) -> None:
        if self.live:
            print(f"\r{'':100}\r", end="", flush=True)
