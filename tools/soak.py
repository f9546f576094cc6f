"""`make soak`: rude programs and real services under the agent for minutes, with the accounts checked.

A gunicorn that recycles its workers under load, Celery's prefork pool, threads that come and go, storms of
forks, and code that is always new run side by side, all under `pyrometer run`, with one `pyrometer serve`.
At the end nothing may have died of a signal or said a word of ours, every window that a worker counted
must be stored exactly, memory must be flat, and the agents must have kept their budget.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from account import agrees  # noqa: E402
from stack import BIN, PYROMETER, Process, Stack, eventually, worker_page  # noqa: E402

SHOP = ROOT / "examples" / "shop"
CELERY = "celery==5.7.0"
BUDGET = 0.01
WINDOW_SECONDS = 10
SAMPLE_EVERY_SECONDS = 5
# What a process may grow by in the second half: the tables of an agent have bounds, but fill slowly.
MOST_GROWTH = 16 << 20
# Growth per minute in the second half of a long soak, when everything that fills up is full.
MOST_SLOPE = 1 << 20
LONG_MINUTES = 10


class Soak:
    """The processes, and what was seen of them."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.processes: dict[str, Process] = {}
        self.resident: dict[str, list[tuple[float, int]]] = {}
        self.costs: dict[str, list[tuple[int, int]]] = {}
        self.problems: list[str] = []

    def run(self, name: str, command: list[Any], ready: str, **options: Any) -> None:
        words = [PYROMETER, "run", "--service", name, "--", *command]
        self.processes[name] = self.stack.start(name, words, **options)
        self.processes[name].said(ready)

    def start_all(self) -> None:
        self.processes["serve"] = self.stack.serve("--poll-interval", "1")
        environment = self.stack.environment
        environment["SHOP_DATABASE"] = str(self.stack.folder / "shop.sqlite3")
        environment["SHOP_BIND"] = "127.0.0.1:0"
        environment["SHOP_LOG_LEVEL"] = "info"
        seed = [BIN / "python", "manage.py", "seed"]
        subprocess.run(seed, cwd=SHOP, env=environment, check=True, capture_output=True)
        recycle = ["--workers", "2", "--max-requests", "100", "--max-requests-jitter", "50"]
        self.run("shop", [BIN / "gunicorn", *recycle], r"Listening at: (http://\S+)", cwd=SHOP)
        url = self.processes["shop"].said(r"Listening at: (http://\S+)")
        load = [BIN / "python", "load.py", "--url", url, "--seconds", "86400"]
        self.processes["load"] = self.stack.start("load", load, cwd=SHOP)

        binaries = celery_environment()
        environment["E2E_BROKER"] = str(self.stack.folder / "broker")
        pool = [
            "--pool",
            "prefork",
            "--concurrency",
            "2",
            "--max-tasks-per-child",
            "50",
            "--loglevel",
            "INFO",
        ]
        worker = [binaries / "celery", "-A", "tasks_for_celery", "worker", *pool]
        here = ROOT / "tests" / "e2e"
        self.run("jobs", [*worker, "--without-mingle", "--without-gossip"], r"(celery@\S+ ready)", cwd=here)
        send = (
            "import time\nfrom tasks_for_celery import burn_in_a_task as burn\n"
            "while True: burn.delay(20), time.sleep(0.1)"
        )
        self.processes["sender"] = self.stack.start("sender", [binaries / "python", "-c", send], cwd=here)
        for name in ("threads", "forks", "new-code"):
            self.run(name, [BIN / "python", ROOT / "tools" / "soak_targets.py", name], r"(ready)")

    def look(self, started: float) -> None:
        """Memory of the long-lived processes, and what their agents have used."""
        lines = []
        up = {worker["pid"]: worker for worker in self.stack.workers()}
        for name, process in self.processes.items():
            code = process.exit_code()
            if code is not None:
                self.problem(f"{name} ended with {code}")
                continue
            size = resident_bytes(process.pid)
            self.resident.setdefault(name, []).append((time.monotonic() - started, size))
            if process.pid in up:
                self.costs.setdefault(name, []).append(cost(up[process.pid]["target"]))
            lines.append(f"{name} {size >> 20}")
        exited = len(self.stack.workers("exited"))
        print(
            f"{time.monotonic() - started:5.0f} s  {len(up)} workers up, {exited} ended; MiB: "
            + ", ".join(lines),
            flush=True,
        )

    def problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)
            print(f"PROBLEM: {text}", flush=True)

    def end_and_audit(self) -> None:
        for name in ("load", "sender"):
            self.processes.pop(name).end()
        told = {name: self.end(name) for name in ("forks",)}
        since = time.time()

        def audited() -> list[dict[str, Any]]:
            up = self.stack.workers()
            complete = all((worker["last_window"] or 0) > since and agrees(worker) for worker in up)
            return up if complete else []

        up = eventually("all that the workers counted is stored", audited)
        samples = sum(worker["samples"] for worker in up)
        print(f"audit: {len(up)} workers, {samples} samples, stored exactly as counted")
        ended = self.stack.workers("exited")
        missed = [worker["id"] for worker in ended if worker["missed_windows"]]
        if missed:
            self.problem(f"{len(missed)} of {len(ended)} ended workers miss windows: {missed[:3]}")
        print(
            f"audit: {len(ended)} workers ended, {sum(worker['samples'] for worker in ended)} samples of them"
        )
        told |= {name: self.end(name) for name in ("new-code", "threads", "jobs", "shop")}
        print("told:", json.dumps({name: what for name, what in told.items() if what}))
        self.check_logs()
        self.check_growth()
        self.check_budget()

    def end(self, name: str) -> dict[str, Any] | None:
        process = self.processes[name]
        code = process.end()
        if code != 0:
            self.problem(f"{name} ended with {code}")
        told = re.search(r"^told (.*)$", process.text(), re.MULTILINE)
        return json.loads(told[1]) if told else None

    def check_logs(self) -> None:
        bad = re.compile(r"pyrometer|panicked|Traceback|SIGSEGV|SIGABRT|SIGKILL|signal 11|memory allocation")
        for name, process in self.processes.items():
            if name == "serve":
                continue
            lines = [line for line in process.text().splitlines() if bad.search(line)]
            if lines:
                self.problem(f"{name} said: {lines[0]}")

    def check_growth(self) -> None:
        for name, seen in self.resident.items():
            later = seen[len(seen) // 2 :]
            minutes = (later[-1][0] - later[0][0]) / 60
            growth = max(size for _, size in later) - later[0][1]
            print(f"memory: {name} {later[-1][1] >> 20} MiB, {growth / 2**20:+.1f} MiB in its second half")
            long = minutes * 2 >= LONG_MINUTES * 0.9
            if growth > MOST_GROWTH or (long and slope(later) > MOST_SLOPE):
                self.problem(f"{name} grew by {growth >> 20} MiB in {minutes:.1f} minutes")

    def check_budget(self) -> None:
        for name, costs in self.costs.items():
            # The first windows are short, and meet all code for the first time.
            settled = [cost for cost in costs if cost[0] >= 2]
            if len(settled) < 2 or settled[-1][0] == settled[0][0]:
                continue
            windows = settled[-1][0] - settled[0][0]
            share = (settled[-1][1] - settled[0][1]) / (windows * WINDOW_SECONDS * 1e9)
            print(f"agent: {name} {100 * share:.2f} % of a core over {windows} windows")
            if share > BUDGET * 1.2:
                self.problem(f"the agent of {name} used {100 * share:.2f} % of a core")


def cost(target: str) -> tuple[int, int]:
    """Closed windows, and the CPU of the agent in them."""
    status, _, body = worker_page(target, "/stats")
    stats = json.loads(body) if status == 200 else {"windows": {"closed": 0}, "agent": {"cpu_ns": 0}}
    return stats["windows"]["closed"], stats["agent"]["cpu_ns"]


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def slope(points: list[tuple[float, int]]) -> float:
    """Bytes per minute, by least squares."""
    times = [when / 60 for when, _ in points]
    middle = sum(times) / len(times)
    mean = sum(size for _, size in points) / len(points)
    spread = sum((when - middle) ** 2 for when in times)
    products = ((when - middle) * (size - mean) for when, (_, size) in zip(times, points, strict=True))
    return sum(products) / spread if spread else 0.0


def celery_environment() -> Path:
    folder = ROOT / "target" / "venvs-soak" / "celery"
    if not (folder / "bin" / "celery").exists():
        print("· installing Celery", flush=True)
        subprocess.run([BIN / "python", "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", CELERY]
        subprocess.run(pip, check=True)
    return folder / "bin"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    stack = Stack()
    soak = Soak(stack)
    try:
        soak.start_all()
        print(f"soaking for {minutes:g} minutes; {urllib.parse.urljoin(stack.address, '/')}", flush=True)
        started = time.monotonic()
        while time.monotonic() - started < 60 * minutes and not soak.problems:
            soak.look(started)
            time.sleep(SAMPLE_EVERY_SECONDS)
        soak.end_and_audit()
    except AssertionError as error:
        soak.problem(str(error))
    finally:
        stack.stop()
    if soak.problems:
        print(f"\nfailed: {len(soak.problems)} problems:", *soak.problems, sep="\n  ")
        print(f"hint: the logs are in {stack.folder}")
        return 1
    stack.remove()
    print("soaked: nothing was hurt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
