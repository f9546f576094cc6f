"""Profilers that live in the workload's processes: our agent, and the peers of ``inside/sitecustomize.py``.

Their CPU is that of all threads which are not the workload's. What a profiler does by signals in the
workload's own threads is not in it; that shows as fewer units of work per second of CPU. All of them
write or push what they saw when the program ends, so the truth is the whole run's.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import feedfile
import pprof
from measure import NotMeasured, memory_of, thread_cpu_ns
from targets import wait_until

from .observe import Observation, Setting, cost_of, threads_of
from .outside import plain
from .shares import Profile
from .workloads import Subject

PEER_FOLDER = Path(__file__).with_name("inside")
SOCKET_SECONDS = 10
# Frames above what the truth leaves out: imports, and what ddtrace does when the program ends.
LEFT_OUT = {"_find_and_load", "_stop_service"}
UNZIP = "import sys, zstandard; sys.stdout.buffer.write(zstandard.ZstdDecompressor().stream_reader(sys.stdin.buffer).read())"
# Off in ddtrace: what it collects beside stacks, what it would send, and the rate that adapts itself.
DDTRACE = {
    "_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_ENABLED": "false",
    "DD_PROFILING_MEMORY_ENABLED": "false",
    "DD_PROFILING_HEAP_ENABLED": "false",
    "DD_PROFILING_LOCK_ENABLED": "false",
    "DD_PROFILING_EXCEPTION_ENABLED": "false",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_ENABLED": "false",
}


def profiler_cpu(subject: Subject) -> int:
    """CPU of all threads in the workload's processes that are not its own."""
    return sum(
        thread_cpu_ns(pid, thread)
        for pid, its_own in subject.threads.items()
        for thread in threads_of(pid)
        if thread not in its_own
    )


def resident(subject: Subject) -> int:
    """Mean resident bytes of the workload's processes."""
    return sum(memory_of(pid).rss for pid in subject.pids) // len(subject.pids)


@dataclass(frozen=True)
class Inside:
    """A profiler in the process. ``kind`` is a peer's name in ``inside/sitecustomize.py``; our agent has none."""

    name: str
    read: Callable[[Subject, Setting, list[bytes]], Profile]
    kind: str = ""
    package: str = ""
    python: str = ""
    workloads: tuple[str, ...] = ()

    @property
    def agent(self) -> bool:
        return not self.kind

    def variables(self, setting: Setting, server: str) -> dict[str, str]:
        if self.agent:
            # With its usual budget it would lower its rate where a tick costs more than its share.
            return {"PYROMETER_BUDGET": "1", "PYROMETER_RATE": str(setting.rate)}
        setting.packages.need(self.package)
        # ddtrace follows forks by itself.
        forks = {"BENCH_PEER_FORKS": "1"} if setting.workload.forks and self.kind != "ddtrace" else {}
        return {
            "PYTHONPATH": str(PEER_FOLDER),
            "BENCH_PEER": self.kind,
            "BENCH_PEER_RATE": str(setting.rate),
            "BENCH_PEER_SERVER": server,
            **forks,
            **DDTRACE,
        }

    def observe(self, subject: Subject, setting: Setting, pushed: list[bytes]) -> Observation:
        if self.agent:
            wait_for_agents(subject)
        time.sleep(setting.settle)
        begun = subject.spent()
        cost = cost_of(subject, setting, lambda: profiler_cpu(subject))
        rss = resident(subject)
        spent = subject.spent(hold=True)
        speed = (spent - begun).units_per_cpu_second
        subject.finish()
        profile = within_truth(self.read(subject, setting, pushed))
        return Observation(cost, rss, speed, spent.truth, profile)


@dataclass(frozen=True)
class Nobody:
    """No profiler: what the others are compared with."""

    name: str = "no profiler"
    python: str = ""
    workloads: tuple[str, ...] = ("W1",)
    agent: bool = False

    def variables(self, _setting: Setting, _server: str) -> dict[str, str]:
        return {}

    def observe(self, subject: Subject, setting: Setting, _pushed: list[bytes]) -> Observation:
        time.sleep(setting.settle)
        begun = subject.spent()
        cost = cost_of(subject, setting, lambda: profiler_cpu(subject))
        spent = subject.spent() - begun
        return Observation(cost, resident(subject), spent.units_per_cpu_second, spent.truth, None)


def wait_for_agents(subject: Subject) -> None:
    there = lambda: all(any(subject.folder.glob(f"{pid}-*.sock")) for pid in subject.pids)  # noqa: E731
    wait_until(there, subject.process, "the agent did not come up in this Python", SOCKET_SECONDS)


def within_truth(profile: Profile) -> Profile:
    """The profile without what came before the ledger began and after it was asked."""
    return Counter({stack: value for stack, value in profile.items() if LEFT_OUT.isdisjoint(stack)})


def spooled(subject: Subject, _setting: Setting, _pushed: list[bytes]) -> Profile:
    """What our agent leaves for the collector when a process ends: closed windows, as all that are stored.

    A live page of an open window would not do: its CPU is an estimate until the window closes.
    """
    profile: Profile = Counter()
    for pid in subject.pids:
        files = list(subject.folder.glob(f"{pid}-*.spool"))
        if not files:
            raise NotMeasured(f"the agent of process {pid} left no windows")
        for file in files:
            profile += feedfile.decode(file.read_bytes()).cpu_by_stack()
    return plain(profile)


def ddtrace_files(subject: Subject, setting: Setting, _pushed: list[bytes]) -> Profile:
    profile: Profile = Counter()
    for file in [file for pid in subject.pids for file in subject.folder.glob(f"ddtrace.{pid}.*.pprof")]:
        unzip = [setting.packages.python, "-c", UNZIP]
        done = subprocess.run(unzip, input=file.read_bytes(), capture_output=True, check=False)
        if done.returncode != 0:
            raise NotMeasured("its profile could not be unzipped")
        profile += pprof.values_by_stack(done.stdout, "cpu-time")
    return root_first(profile)


def pyroscope_pushes(_subject: Subject, _setting: Setting, pushed: list[bytes]) -> Profile:
    profile: Profile = Counter()
    for body in pushed:
        for part in pprof.pushed_profiles(body):
            profile += pprof.values_by_stack(part)
    return root_first(profile)


@contextmanager
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that peers push to: its address, and the bodies that came."""
    bodies: list[bytes] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Sink) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{sink.server_port}", bodies
        finally:
            sink.shutdown()


def root_first(profile: Profile) -> Profile:
    return plain(Counter({stack[::-1]: value for stack, value in profile.items()}))


NOBODY = Nobody()
OURS = Inside("pyrometer", spooled)
PEERS = (
    Inside("ddtrace", ddtrace_files, "ddtrace", "ddtrace"),
    Inside("pyroscope-io", pyroscope_pushes, "pyroscope", "pyroscope-io"),
    Inside("pyroscope-io Stack", pyroscope_pushes, "pyroscope_stack", "pyroscope-io"),
)
