"""Recording calls, ours and other call profilers on the same work: added time, slowdown, bias.

Every profiler gets a process of its own per round, in turn; within it the work runs bare and profiled
in turn. What is not installed for an interpreter, or does not run there, is named with the reason.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path

from measure import Figure
from plan import Plan
from targets import ROOT, interpreters

PROGRAMS = Path(__file__).parents[1] / "programs"
REQUIREMENTS = Path(__file__).parents[1] / "requirements-call-peers.txt"
ROUNDS = 3
REPETITIONS = 7
PEERS = ("pyrometer", "cProfile", "yappi", "viztracer", "line_profiler", "profiling.tracing")
# Added nanoseconds per Python call; at most.
CALL_GOALS = {"3.9": 100, "3.11": 250, "3.12": 130, "3.13": 130, "3.15": 120}
DJANGO_GOAL = 1.4
BIAS_GOAL = 3.0


def measure(plan: Plan) -> list[Figure]:
    figures = []
    for version, python in interpreters().items():
        environment = environment_of(version, python)
        figures += added_per_call(plan, version, environment)
        figures += django(plan, version, environment)
        figures += bias(plan, version, environment)
    return figures


def environment_of(version: str, python: str) -> str:
    """The interpreter of an environment with the peers, as far as they can be had for it; else its own."""
    venv = ROOT / "target" / "venvs-calls" / version
    own = str(venv / "bin" / "python")
    if not runs(own):
        subprocess.run([python, "-m", "venv", venv], check=False, capture_output=True)
    if not runs(own):
        return python
    stamp = venv / ".peers"
    if not stamp.exists() or stamp.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        for line in REQUIREMENTS.read_text().splitlines():
            if line and not line.startswith("#"):
                options = ["-q", "--disable-pip-version-check", "--only-binary", ":all:"]
                subprocess.run(
                    [own, "-m", "pip", "install", *options, line], check=False, capture_output=True
                )
        stamp.touch()
    return own


def runs(python: str) -> bool:
    try:
        return (
            subprocess.run([python, "-m", "pip", "--version"], check=False, capture_output=True).returncode
            == 0
        )
    except OSError:
        return False


def added_per_call(plan: Plan, version: str, python: str) -> list[Figure]:
    def added(result: dict) -> float:
        pairs = zip(result["bare"], result["watched"])
        return statistics.median((watched - bare) / result["calls"] for bare, watched in pairs)

    def goal(name: str) -> float | None:
        return CALL_GOALS.get(version) if name == "pyrometer" else None

    figures = {
        name: Figure(f"added per Python call (fib), {name}, Python {version}", "ns", goal(name))
        for name in PEERS
    }
    collect(plan, "fib", python, figures, added)
    return list(figures.values())


def django(plan: Plan, version: str, python: str) -> list[Figure]:
    def slowdown(result: dict) -> float:
        return statistics.median(watched / bare for bare, watched in zip(result["bare"], result["watched"]))

    names = [name for name in PEERS if name != "line_profiler"]
    figures = {
        name: Figure(
            f"slowdown of Django templates, {name}, Python {version}",
            "ratio",
            DJANGO_GOAL if name == "pyrometer" else None,
        )
        for name in names
    }
    collect(plan, "django", python, figures, slowdown)
    return list(figures.values())


def bias(plan: Plan, version: str, python: str) -> list[Figure]:
    figure = Figure(f"bias of shares, tiny calls against long ones, Python {version}", "points", BIAS_GOAL)
    for _ in range(plan.times(ROUNDS)):
        result = run([python, str(PROGRAMS / "call_bias.py")])
        if "missing" in result:
            figure.reason = result["missing"]
        else:
            figure.values.append(result["worst"])
    return [figure]


def collect(plan: Plan, work: str, python: str, figures: dict[str, Figure], value) -> None:
    for _ in range(plan.times(ROUNDS)):
        for name, figure in figures.items():
            if figure.reason:
                continue
            result = run([python, str(PROGRAMS / "call_cost.py"), work, name, str(REPETITIONS)])
            if "missing" in result:
                figure.reason = result["missing"]
            else:
                figure.values.append(value(result))


def run(command: list[str]) -> dict:
    """The line of JSON that a program prints; why there is none as ``missing``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return {"missing": "took more than 300 s"}
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or ["it failed"])[-1][:120]}
    return json.loads(done.stdout.splitlines()[-1])
