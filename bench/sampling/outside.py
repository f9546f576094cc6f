"""Profilers that are processes of their own: started beside the workload, interrupted, their file read.

A round's truth begins before the profiler starts and ends after it was interrupted; the workloads'
shares are the same at all times, so its start does not matter. What differs between these profilers is
their command line and their file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mojo
from measure import NotMeasured, memory_of, thread_cpu_ns
from targets import PYROMETER, Process, running

from .observe import Observation, Setting, cost_of, count_system_calls, processes_of, threads_of
from .shares import Profile, plain_name
from .workloads import Subject

END_SECONDS = 20
Words = list


@dataclass(frozen=True)
class Outside:
    """An outside profiler; ``python`` is the version that it needs the workload to run on."""

    name: str
    command: Callable[[Subject, Setting, Path], Words]
    read: Callable[[Path], Profile]
    python: str = ""
    workloads: tuple[str, ...] = ()  # all if empty
    agent: bool = False

    def variables(self, _setting: Setting, _server: str) -> dict[str, str]:
        return {}

    def observe(self, subject: Subject, setting: Setting, _pushed: list[bytes]) -> Observation:
        time.sleep(setting.settle)
        begun = subject.spent()
        out = subject.folder / "profile"
        with running(self.command(subject, setting, out)) as tool:
            time.sleep(setting.settle)
            tool.check()
            cost = cost_of(subject, setting, lambda: cpu_of_tree(tool.pid))
            rss = sum(memory_of(pid).rss for pid in processes_of(tool.pid))
            calls = count_system_calls(tool.pid, setting) if setting.system_calls else None
            interrupt(tool)
            spent = subject.spent() - begun
            profile = self.read_all(out, tool)
        return Observation(cost, rss, spent.units_per_cpu_second, spent.truth, profile, calls)

    def read_all(self, out: Path, tool: Process) -> Profile:
        """A profiler that follows children may write one file for each."""
        files = [file for file in out.parent.glob(f"{out.name}*") if file.stat().st_size]
        if not files:
            raise NotMeasured(f"it wrote nothing: {tool.last_words()}")
        profile: Profile = Counter()
        for file in files:
            profile += self.read(file)
        return profile


def cpu_of_tree(pid: int) -> int:
    """CPU of a process and its descendants, of their threads that are alive."""
    processes = processes_of(pid)
    return sum(thread_cpu_ns(process, thread) for process in processes for thread in threads_of(process))


def interrupt(tool: Process) -> None:
    """As Ctrl-C does: all of them write their file then."""
    tool.check()
    tool.popen.send_signal(signal.SIGINT)
    try:
        tool.popen.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {END_SECONDS} s of an interrupt") from None


def collapsed(name_of: Callable[[str], str]) -> Callable[[Path], Profile]:
    """A reader of lines ``frame;frame value``, root first; ``name_of`` takes the name out of a frame."""

    def read(file: Path) -> Profile:
        profile: Profile = Counter()
        for line in file.read_text(errors="replace").splitlines():
            stack, _, value = line.rpartition(" ")
            profile[tuple(plain_name(name_of(frame)) for frame in stack.split(";"))] += int(value)
        return profile

    return read


def py_spy(*more: str) -> Callable[[Subject, Setting, Path], Words]:
    def command(subject: Subject, setting: Setting, out: Path) -> Words:
        setting.packages.need("py-spy")
        words = [setting.packages.tool("py-spy"), "record", "--pid", subject.process.pid, *more]
        words += ["--subprocesses"] if setting.workload.forks else []
        return [*words, "--rate", setting.rate, "--format", "raw", "--output", out]

    return command


def austin(subject: Subject, setting: Setting, out: Path) -> Words:
    words = [*setting.packages.austin, "--cpu", "--interval", 1_000_000 // setting.rate]
    words += ["--children"] if setting.workload.forks else []
    return [*words, "--pid", subject.process.pid, "--output", out]


def tachyon(subject: Subject, setting: Setting, out: Path) -> Words:
    pid = subject.process.pid
    # In the target's own root and mount namespace, where a Debian testing tree has one.
    words = (
        ["nsenter", "--target", pid, "--mount", "--root"] if os.readlink(f"/proc/{pid}/root") != "/" else []
    )
    words += [os.readlink(f"/proc/{pid}/exe") if not words else f"python{TACHYON_PYTHON}"]
    words += ["-m", "profiling.sampling", "attach", "--collapsed", "-o", out, "-r", setting.rate]
    # The two cannot be combined: with its tasks it counts what runs by wall time.
    words += ["--async-aware"] if setting.workload.key == "W3" else ["--mode", "cpu", "-a"]
    return [*words, pid]


def record(subject: Subject, setting: Setting, out: Path) -> Words:
    if subprocess.run([PYROMETER, "record", "--help"], capture_output=True, check=False).returncode != 0:
        raise NotMeasured("this pyrometer has no `record`")
    words = [PYROMETER, "record", "--cpu", "--format", "collapsed", "--rate", setting.rate]
    words += ["--children"] if setting.workload.forks else []
    return [*words, "--output", out, subject.process.pid]


def before_file(frame: str) -> str:
    """``name (file:line)``"""
    return frame.partition(" (")[0]


def after_file(frame: str) -> str:
    """``file:name:line``"""
    return frame.split(":")[-2] if ":" in frame else frame


TACHYON_PYTHON = "3.15"
OURS = Outside("pyrometer record", record, collapsed(before_file))
PEERS = (
    Outside("py-spy", py_spy(), collapsed(before_file)),
    Outside("py-spy --nonblocking", py_spy("--nonblocking"), collapsed(before_file), workloads=("W1",)),
    Outside("austin", austin, lambda file: plain(mojo.values_by_stack(file.read_bytes()))),
    Outside("Tachyon", tachyon, collapsed(after_file), TACHYON_PYTHON),
)


def plain(profile: Counter[tuple[str, ...]]) -> Profile:
    named: Profile = Counter()
    for stack, value in profile.items():
        named[tuple(map(plain_name, stack))] += value
    return named
