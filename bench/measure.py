"""What the figures are made of: readers of /proc, medians, and the facts of the machine.

Everything here looks at processes from outside. It starts nothing, changes nothing, and pins nothing
to a core. Numbers come from the kernel's own accounting (nanoseconds), never from the profiler under
measurement.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Above this load average something else runs here, and small figures drown in it.
QUIET_LOAD = 0.5
# Wall time over CPU time of a busy loop: more means that other work or the host took the core.
QUIET_PREEMPTION = 1.02
# Relative spread of the CPU time of the same loop: more means that the core's speed changes.
QUIET_SPREAD = 0.05
SPINS = 15
SPIN_STEPS = 400_000


class NotMeasured(Exception):
    """A figure could not be taken; the text says why, for the reader of the table."""


@dataclass
class Figure:
    """One line of the table. Goals are upper bounds; ``None`` where there is only a comparison."""

    name: str
    unit: str
    goal: float | None
    values: list[float] = field(default_factory=list)
    reason: str = ""  # why there are no values
    note: str = ""  # what the reader must know to read the values right

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        if self.median is None:
            return "not measured"
        if self.goal is None:
            return ""
        return "PASS" if self.median <= self.goal else "over"

    def as_json(self) -> dict:
        return {
            "name": self.name,
            "unit": self.unit,
            "goal": self.goal,
            "median": self.median,
            "values": self.values,
            "verdict": self.verdict,
            "reason": self.reason,
            "note": self.note,
        }


def process_cpu_ns(pid: int) -> int:
    """CPU time of a process, its ended threads included."""
    per_process_clock = (~pid << 3) | 2  # linux include/linux/posix-timers.h, CPUCLOCK_SCHED
    try:
        return time.clock_gettime_ns(per_process_clock)
    except OSError as error:
        raise NotMeasured(f"process {pid} ended") from error


def thread_cpu_ns(pid: int, os_thread_id: int) -> int:
    """CPU time of one thread: the first number of its schedstat."""
    try:
        return int(Path(f"/proc/{pid}/task/{os_thread_id}/schedstat").read_text().split()[0])
    except (OSError, IndexError, ValueError) as error:
        raise NotMeasured(f"thread {os_thread_id} of process {pid} has no schedstat") from error


def threads_named(pid: int, names: Iterable[str]) -> list[int]:
    """OS thread ids of the threads with these names; all names must be there."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        found[(task / "comm").read_text().strip()] = int(task.name)
    missing = sorted(set(names) - set(found))
    if missing:
        raise NotMeasured(f"process {pid} has no thread {', '.join(missing)}")
    return [found[name] for name in names]


@dataclass
class Memory:
    """Bytes of memory of one process: resident, its fair share of it, and its alone."""

    rss: int
    pss: int
    uss: int


def memory_of(pid: int) -> Memory:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError as error:
        raise NotMeasured(f"process {pid} has no smaps_rollup") from error
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    own = kib["Private_Clean"] + kib["Private_Dirty"]
    return Memory(*(1024 * value for value in (kib["Rss"], kib["Pss"], own)))


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())


def quiet_reasons() -> list[str]:
    """What speaks against trusting small figures on this machine now; empty when nothing does."""
    reasons = []
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        reasons.append(f"the load average is {load:.2f}, above {QUIET_LOAD}")
    walls, cpus = [], []
    for _ in range(SPINS):
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        for _ in range(SPIN_STEPS):
            pass
        walls.append(time.perf_counter_ns() - wall)
        cpus.append(time.thread_time_ns() - cpu)
    preemption = sum(walls) / sum(cpus)
    if preemption > QUIET_PREEMPTION:
        reasons.append(f"a busy loop got {100 / preemption:.0f} % of its core")
    spread = statistics.pstdev(cpus) / statistics.mean(cpus)
    if spread > QUIET_SPREAD:
        reasons.append(f"the same loop took {100 * spread:.0f} % more or less CPU each time")
    return reasons


def machine() -> dict:
    """The facts that a figure is worth nothing without."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_average": os.getloadavg(),
        "python": sys.version.split()[0],
        "noise": quiet_reasons(),
    }
