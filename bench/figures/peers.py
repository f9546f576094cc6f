"""Other profilers and ours on the same program, in turn within one run: cost, truth and memory.

The program spends its CPU by a known plan on one thread, and says by its own clock how much each
function used. TVD is the total variation distance between that and what the profiler reported; at
100 Hz for some seconds, chance alone makes it one to two percent. Cost is CPU per tick asked for,
start and end of the profiler left out. Outside profilers are measured as a process, inside ones as
what their process needs beyond the same program without them.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pprof
from measure import Figure, NotMeasured, memory_of, process_cpu_ns, thread_cpu_ns, threads_named
from plan import Plan
from targets import ROOT, Process, endpoint, get, program, running

RATE_HZ = 100
SECONDS = 8.0
SETTLE_SECONDS = 1.5
PUSH_SECONDS = 10
ROUNDS = 2
MIB = 1 << 20
VENV = ROOT / "target" / "venvs-bench" / f"{sys.version_info[0]}.{sys.version_info[1]}"
REQUIREMENTS = Path(__file__).parents[1] / "requirements-peers.txt"


@dataclass
class Observation:
    """What one profiler did in one round."""

    us_per_tick: float
    tvd_percent: float
    rss_mib: float


Observe = Callable[[float, int], Observation]


def measure(plan: Plan) -> list[Figure]:
    missing = install()
    tools: dict[str, tuple[Observe, str]] = {
        "pyrometer": (pyrometer, ""),
        "py-spy": (py_spy, missing.get("py-spy", "")),
        "austin": (austin, missing.get("austin-dist", "")),
        "pyroscope-io": (pyroscope, missing.get("pyroscope-io", "")),
    }
    kinds = {"us_per_tick": "µs per tick", "tvd_percent": "% TVD", "rss_mib": "MiB RSS"}
    figures = {(kind, name): Figure(name, unit, None) for kind, unit in kinds.items() for name in tools}
    broken = {name: reason for name, (_, reason) in tools.items() if reason}
    for _ in range(min(plan.rounds, ROUNDS)):
        plain_rss = plain_memory()
        for name, (observe, _) in tools.items():
            if name in broken:
                continue
            try:
                seen = observe(plan.seconds(SECONDS), plain_rss)
            except NotMeasured as error:
                broken[name] = str(error)
                continue
            for kind in kinds:
                figures[kind, name].values.append(getattr(seen, kind))
    for (_, name), figure in figures.items():
        figure.reason = broken.get(name, "")
    return list(figures.values())


def install() -> dict[str, str]:
    """Makes the environment of the peers; why a peer is not in it, by its name."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
    missing = {}
    for requirement in filter(None, lines):
        done = subprocess.run(
            [*pip, "--retries", "1", requirement], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["pip failed"]
            missing[requirement.partition("==")[0]] = f"{requirement} cannot be installed: {said[-1]}"
    return missing


def busy(*arguments: str) -> list[str | Path]:
    return program("busy", *arguments, python=str(VENV / "bin" / "python"))


def plain_memory() -> int:
    """Resident bytes of the program without any profiler."""
    with running(busy()) as target:
        target.next_line()
        time.sleep(SETTLE_SECONDS)
        target.ask()
        return memory_of(target.pid).rss


def cost(cpu_ns: Callable[[], int], seconds: float) -> float:
    """Microseconds of CPU per tick over the given time."""
    start, before = time.monotonic(), cpu_ns()
    time.sleep(seconds)
    return (cpu_ns() - before) / 1e3 / (RATE_HZ * (time.monotonic() - start))


def distance(truth: dict[str, int], values: Counter[tuple[str, ...]]) -> float:
    """Total variation distance in percent; what was reported elsewhere counts as wrong."""
    reported: Counter[str] = Counter()
    for stack, value in values.items():
        reported[next((name for name in stack if name in truth), "elsewhere")] += value
    whole, total = sum(truth.values()), sum(reported.values())
    if not total:
        raise NotMeasured("it reported nothing")
    names = {*truth, *reported}
    return 50 * sum(abs(truth.get(name, 0) / whole - reported[name] / total) for name in names)


def spent(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


def pyrometer(seconds: float, plain_rss: int) -> Observation:
    # With its usual budget the agent would lower its rate where a tick costs more than 100 µs.
    with running(busy(), agent=True, PYROMETER_BUDGET="1") as target:
        target.next_line()
        time.sleep(SETTLE_SECONDS)
        threads = threads_named(target.pid, ("pyro-sampler", "pyro-endpoint"))
        path = endpoint(target)

        def collapsed() -> Counter[tuple[str, ...]]:
            lines = get(path, "/collapsed?seconds=600&type=cpu").decode().splitlines()
            return Counter(
                {
                    tuple(stack.split(";")): int(value)
                    for stack, _, value in (line.rpartition(" ") for line in lines)
                }
            )

        truth, values = target.ask(), collapsed()
        us = cost(lambda: sum(thread_cpu_ns(target.pid, thread) for thread in threads), seconds)
        rss = memory_of(target.pid).rss - plain_rss
        values, truth = collapsed() - values, spent(truth, target.ask())
        return Observation(us, distance(truth, values), rss / MIB)


def outside(
    seconds: float, command: Callable[[Process, int, Path], list], read: Callable[[Path], Counter]
) -> Observation:
    """A profiler that is a process of its own and writes a file when its time is over."""
    with running(busy()) as target:
        target.next_line()
        time.sleep(SETTLE_SECONDS)
        truth = target.ask()
        out = target.folder / "profile"
        words = command(target, round(seconds + 2 * SETTLE_SECONDS), out)
        with running(words) as tool:
            time.sleep(SETTLE_SECONDS)
            tool.check()
            us = cost(lambda: process_cpu_ns(tool.pid), seconds)
            rss = memory_of(tool.pid).rss
            _, said = tool.popen.communicate(timeout=60), tool.last_words()
        truth = spent(truth, target.ask())
        if not out.exists():
            raise NotMeasured(f"it wrote nothing: {said}")
        return Observation(us, distance(truth, read(out)), rss / MIB)


def py_spy(seconds: float, _plain_rss: int) -> Observation:
    def command(target: Process, duration: int, out: Path) -> list:
        tool = [VENV / "bin" / "py-spy", "record", "--pid", target.pid, "--rate", RATE_HZ]
        return [*tool, "--duration", duration, "--format", "raw", "--output", out]

    def read(out: Path) -> Counter:
        values: Counter = Counter()
        for line in out.read_text().splitlines():
            stack, _, value = line.rpartition(" ")
            values[tuple(frame.partition(" (")[0] for frame in stack.split(";"))] += int(value)
        return values

    return outside(seconds, command, read)


def austin(seconds: float, _plain_rss: int) -> Observation:
    def command(target: Process, duration: int, out: Path) -> list:
        interval_us = 1_000_000 // RATE_HZ
        tool = [VENV / "bin" / "austin", "--interval", interval_us, "--exposure", duration]
        return [*tool, "--pid", target.pid, "--output", out]

    def read(out: Path) -> Counter:
        values: Counter = Counter()
        for line in out.read_text().splitlines():
            if line.startswith("P"):
                stack, _, value = line.rpartition(" ")
                frames = [frame.rsplit(":", 2) for frame in stack.split(";")[2:]]
                values[tuple(frame[1] for frame in frames)] += int(value)
        return values

    return outside(seconds, command, read)


def pyroscope(seconds: float, plain_rss: int) -> Observation:
    """Runs inside the program and pushes to a server, here one that keeps what comes."""
    bodies: list[bytes] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with running(busy("--pyroscope", f"http://127.0.0.1:{server.server_port}")) as target:
            thread = target.next_line()["thread"]
            time.sleep(SETTLE_SECONDS)
            us = cost(lambda: process_cpu_ns(target.pid) - thread_cpu_ns(target.pid, thread), seconds)
            rss = memory_of(target.pid).rss - plain_rss
            deadline = time.monotonic() + PUSH_SECONDS + SETTLE_SECONDS
            while not bodies and time.monotonic() < deadline:
                time.sleep(0.1)
            # The plan is the same in every round of 0.1 s, so the whole run is the truth of each part.
            truth = target.ask()
        server.shutdown()
    values: Counter = Counter()
    for body in bodies:
        for profile in pprof.pushed_profiles(body):
            values += pprof.values_by_stack(profile)
    return Observation(us, distance(truth, values), rss / MIB)
