"""The processes under measurement: started with or without the agent, asked, and ended.

The agent comes in as in production, by ``pyrometer run``; no program in ``bench/programs`` knows of
it. Every process is in a session of its own and is ended by its id when its block is left.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import NotMeasured

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(__file__).parent / "programs"
SHOP = ROOT / "examples" / "shop"
BIN = ROOT / ".venv" / "bin"
PYROMETER = BIN / "pyrometer"
START_SECONDS = 60
END_SECONDS = 15


class Process:
    """A started process, its folder for sockets and logs, and its lines if it speaks."""

    def __init__(self, popen: subprocess.Popen, folder: Path) -> None:
        self.popen = popen
        self.pid = popen.pid
        self.folder = folder

    def ask(self, line: str = "") -> dict:
        """Writes a line to a program that answers with one line of JSON."""
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        return self.next_line()

    def next_line(self) -> dict:
        line = self.popen.stdout.readline()
        if not line:
            raise NotMeasured(f"a program ended: {self.last_words()}")
        return json.loads(line)

    def last_words(self) -> str:
        lines = (self.folder / "stderr").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def check(self) -> None:
        if self.popen.poll() is not None:
            raise NotMeasured(f"a program ended with {self.popen.returncode}: {self.last_words()}")


@contextmanager
def running(
    command: list[str | Path], *, agent: bool = False, cwd: Path | None = None, **variables: str
) -> Iterator[Process]:
    """Runs a command, under ``pyrometer run`` if ``agent``, for as long as the block."""
    with tempfile.TemporaryDirectory(prefix="pyrometer-bench-") as name:
        folder = Path(name)
        words = [str(word) for word in command]
        if agent:
            words = [str(PYROMETER), "run", "--", *words]
        with (folder / "stderr").open("wb") as errors:
            popen = subprocess.Popen(
                words,
                cwd=cwd,
                env={**clean_environment(), "PYROMETER_DIR": name, "BENCH_FOLDER": name, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        process = Process(popen, folder)
        try:
            yield process
        finally:
            end(popen)


def end(popen: subprocess.Popen) -> None:
    """Ends a process and what it started: asks first, insists after."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if popen.poll() is None:
            popen.send_signal(number)
        try:
            popen.communicate(timeout=END_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def clean_environment() -> dict[str, str]:
    """This environment without what would change the programs; string hashes are the same in all runs."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYROMETER_", "PYTHON"))
    }
    return {**kept, "PYTHONHASHSEED": "0"}


def program(name: str, *arguments: object, python: str = sys.executable) -> list[str | Path]:
    return [python, PROGRAMS / f"{name}.py", *map(str, arguments)]


@functools.cache
def interpreters() -> dict[str, str]:
    """Path of every CPython found, by version, oldest first."""
    lister = ROOT / "tools" / "pythons.sh"
    lines = subprocess.run([lister], capture_output=True, text=True, check=True).stdout.splitlines()
    found = dict(line.split(" ", 1) for line in lines)
    return dict(sorted(found.items(), key=lambda pair: int(pair[0].partition(".")[2])))


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def endpoint(process: Process, pid: int | None = None) -> Path:
    """The socket of the agent in a process, once it is there."""
    pattern = f"{pid or process.pid}-*.sock"
    wait_until(lambda: any(process.folder.glob(pattern)), process, f"no agent socket {pattern}")
    return next(process.folder.glob(pattern))


def get(path: Path, target: str) -> bytes:
    connection = UnixConnection(path)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise NotMeasured(f"{target} answered {answer.status}")
    return body


def stats(path: Path) -> dict:
    return json.loads(get(path, "/stats"))


def wait_until(done: Callable[[], bool], process: Process, what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        process.check()
        if time.monotonic() > deadline:
            raise NotMeasured(f"{what} within {seconds:.0f} s")
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (OSError, urllib.error.URLError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seed_shop(folder: Path) -> Path:
    """The shop's database, made once."""
    if not (BIN / "gunicorn").exists():
        raise NotMeasured("the shop's packages are not in .venv; run `make build`")
    database = folder / "shop.sqlite3"
    seeded = subprocess.run(
        [BIN / "python", "manage.py", "seed"],
        cwd=SHOP,
        env={**clean_environment(), "SHOP_DATABASE": str(database)},
        capture_output=True,
        text=True,
        check=False,
    )
    if seeded.returncode != 0:
        raise NotMeasured(f"seeding the shop failed: {seeded.stderr.strip()[-200:]}")
    return database


@contextmanager
def shop(database: Path, *, workers: int, agent: bool, **variables: str) -> Iterator[tuple[Process, str]]:
    """The example shop under gunicorn; the process is gunicorn's master, the text its address."""
    port = free_port()
    variables = {
        "SHOP_DATABASE": str(database),
        "SHOP_BIND": f"127.0.0.1:{port}",
        "SHOP_WORKERS": str(workers),
        **variables,
    }
    with running([BIN / "gunicorn"], agent=agent, cwd=SHOP, **variables) as master:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(url + "/"), master, "the shop does not answer")
        yield master, url
