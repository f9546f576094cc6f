"""One run: a profiler observes a workload, and what that cost and found is measured from outside.

What each value means is said here, in ``Observation``. CPU comes from the kernel's accounting of each
thread; nothing that a profiler says of itself is used but its profile.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import NotMeasured, children_of, thread_cpu_ns

from .packages import Environment
from .shares import Profile, Truth, by_function, differences, distance
from .workloads import Subject, Workload

# Prefix of the values that say how many points of share too much a path got.
POINTS = "points of "
SYSTEM_CALLS = "raw_syscalls:sys_enter"


@dataclass(frozen=True)
class Setting:
    """How a run is done. Times in seconds."""

    workload: Workload
    rate: int
    seconds: float  # during which cost is measured
    settle: float  # that a profiler gets to start before, at the least
    packages: Environment
    system_calls: float = 0.0  # for how long to count those of an outside profiler, 0 for not


@dataclass
class Cost:
    """What happened during the measured seconds."""

    us_per_tick: float  # CPU of the profiler's own threads, per tick asked for and process
    share_percent: float  # the same as a share of the CPU of the workload's threads
    stopped_percent: float  # of wall time: the first thread neither ran nor waited for a core


@dataclass
class Observation:
    """What one profiler did in one run."""

    cost: Cost
    rss_bytes: int  # of the profiler's process, or of the workload's with the profiler in it
    speed: float | None  # units of work per second of the workload's CPU, where it counts them
    truth: Truth
    profile: Profile | None  # nothing where there is no profiler
    system_calls_per_tick: float | None = None

    def values(self) -> dict[str, float]:
        """The observation as numbers by name."""
        found: dict[str, float | None] = {
            "us_per_tick": self.cost.us_per_tick,
            "share_percent": self.cost.share_percent,
            "stopped_percent": self.cost.stopped_percent,
            "rss_mib": self.rss_bytes / (1 << 20),
            "speed": self.speed,
            "system_calls_per_tick": self.system_calls_per_tick,
        }
        if self.profile is not None:
            by_name = by_function(self.truth)
            found["tvd_percent"] = distance(self.truth, self.profile)
            found["tvd_functions_percent"] = distance(by_name, self.profile)
            wrong = differences(self.truth, self.profile)
            found["worst_points"] = max(map(abs, wrong.values()))
            found |= {POINTS + ";".join(path): points for path, points in wrong.items()}
        return {name: value for name, value in found.items() if value is not None}


def run_delay_ns(pid: int, os_thread_id: int) -> int:
    """How long a thread has waited for a core: the second number of its schedstat."""
    try:
        return int(Path(f"/proc/{pid}/task/{os_thread_id}/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError) as error:
        raise NotMeasured(f"thread {os_thread_id} of process {pid} has no schedstat") from error


def threads_of(pid: int) -> list[int]:
    try:
        return [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError as error:
        raise NotMeasured(f"process {pid} ended") from error


def processes_of(pid: int) -> list[int]:
    """A process and its descendants."""
    return [pid, *(grandchild for child in children_of(pid) for grandchild in processes_of(child))]


def cost_of(subject: Subject, setting: Setting, profiler_cpu_ns: Callable[[], int]) -> Cost:
    """Waits for the measured seconds, and says what they cost."""
    first_pid, first_threads = next(iter(subject.threads.items()))
    first = first_pid, first_threads[0]

    def clocks() -> tuple[int, int, int, int]:
        threads = [(pid, thread) for pid, its_own in subject.threads.items() for thread in its_own]
        workload = sum(thread_cpu_ns(pid, thread) for pid, thread in threads)
        on_core = thread_cpu_ns(*first) + run_delay_ns(*first)
        return time.monotonic_ns(), profiler_cpu_ns(), workload, on_core

    before = clocks()
    time.sleep(setting.seconds)
    wall, profiler, workload, on_core = (after - start for after, start in zip(clocks(), before))
    if workload <= 0:
        raise NotMeasured("the workload did not run")
    ticks = setting.rate * wall / 1e9 * len(subject.threads)
    return Cost(
        us_per_tick=profiler / 1e3 / ticks,
        share_percent=100 * profiler / workload,
        stopped_percent=max(0.0, 100 * (1 - on_core / wall)),
    )


def count_system_calls(pid: int, setting: Setting) -> float | None:
    """System calls of a process per tick asked for; nothing where the kernel does not let us count."""
    perf = ["perf", "stat", "-x", ",", "-e", SYSTEM_CALLS, "-p", str(pid), "sleep", str(setting.system_calls)]
    try:
        done = subprocess.run(perf, capture_output=True, text=True, check=False)
    except OSError:
        return None
    for line in done.stderr.splitlines():
        value, _, rest = line.partition(",")
        if SYSTEM_CALLS in rest and value.isdigit():
            return int(value) / (setting.rate * setting.system_calls)
    return None
