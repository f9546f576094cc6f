"""What every test here needs: a program run under the agent, and its endpoint.

Programs run in processes of their own, on the interpreter that runs the tests. A program prints one
line ``ready`` when it may be looked at and ends when its stdin closes, so nothing here sleeps.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"

# Tests that take longer than all others together: tools/test_python.sh runs them on one Python, beside
# each other, since they wait for windows most of the time.
slow = pytest.mark.slow


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: runs alone, with PYROMETER_SLOW_TESTS=1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    only_slow = os.environ.get("PYROMETER_SLOW_TESTS") == "1"
    kept = [item for item in items if (item.get_closest_marker("slow") is not None) == only_slow]
    left = [item for item in items if item not in kept]
    config.hook.pytest_deselected(items=left)
    items[:] = kept


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float = 20.0) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(path: str, target: str) -> tuple[int, bytes]:
    """Status and body of a GET."""
    connection = UnixConnection(path)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def stats(path: str) -> dict:
    status, body = get(path, "/stats")
    assert status == 200
    return json.loads(body)


def collapsed(path: str, kind: str = "cpu") -> dict[tuple[str, ...], int]:
    """Value by stack, root first."""
    status, body = get(path, f"/collapsed?seconds=600&type={kind}")
    assert status == 200
    lines = (line.rpartition(" ") for line in body.decode().splitlines())
    return {tuple(stack.split(";")): int(value) for stack, _, value in lines}


def share(stacks: dict[tuple[str, ...], int], name: str) -> float:
    """Share of the value that was observed in or below ``name``."""
    return sum(value for stack, value in stacks.items() if name in stack) / sum(stacks.values())


@dataclass
class Program:
    """A running program and where its agent is."""

    process: subprocess.Popen
    directory: Path

    def line(self) -> str:
        """The next line it prints."""
        line = self.process.stdout.readline()
        assert line, "the program ended: " + self.process.stderr.read()
        return line.rstrip("\n")

    def sockets(self) -> list[str]:
        return sorted(str(path) for path in self.directory.glob("*.sock"))

    def socket(self) -> str:
        [path] = [path for path in self.sockets() if Path(path).name.startswith(f"{self.process.pid}-")]
        return path

    def finish(self) -> tuple[int, str]:
        """Lets it end; exit code and what it wrote on stderr."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


def environment(directory: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYROMETER_", "PYTHON"))
    }
    return {**kept, "PYTHONPATH": str(ROOT / "python"), "PYROMETER_DIR": str(directory), **more}


@pytest.fixture
def run(tmp_path: Path) -> Iterator:
    """Runs ``programs/NAME.py`` and kills it at the end if it still runs."""
    started: list[subprocess.Popen] = []

    def start(
        name: str,
        *arguments: str,
        flags: tuple[str, ...] = (),
        command: list[str] | None = None,
        **variables: str,
    ) -> Program:
        directory = tmp_path / "sockets"
        process = subprocess.Popen(
            command or [sys.executable, *flags, str(PROGRAMS / f"{name}.py"), *arguments],
            env=environment(directory, **variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Program(process, directory)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def windows_closed(path: str, count: int) -> dict:
    """The counters as soon as so many windows are closed."""
    while True:
        now = stats(path)
        if now["windows"]["closed"] >= count:
            return now
        time.sleep(0.1)


@contextmanager
def connected(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(path)
        yield client


def build_embedder(folder: Path) -> Path:
    """programs/embedder.c, compiled against this interpreter; skips the test where that is impossible."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (cc)")
    settings = sysconfig.get_config_vars()
    home = Path(settings["INCLUDEPY"])
    library = Path(settings["LIBDIR"]) / settings["LDLIBRARY"]
    if not (home / "Python.h").exists() or not library.exists():
        pytest.skip(f"this Python has no headers or no library ({library})")
    program = folder / "embedder"
    words = [compiler, str(PROGRAMS / "embedder.c"), "-o", str(program), f"-I{home}", str(library)]
    words += [f"-Wl,-rpath,{library.parent}", "-Wl,--export-dynamic"]
    words += settings["LIBS"].split() + settings["SYSLIBS"].split()
    subprocess.run(words, check=True)
    return program


# Interpreters whose calls can be recorded.
CALLS = pytest.mark.skipif(
    not (3, 9) <= sys.version_info < (3, 16) or sys.implementation.name != "cpython",
    reason="calls are recorded on CPython 3.9 to 3.15",
)


def recorded(name: str, *arguments: str, **variables: str) -> str:
    """What ``programs/NAME.py`` prints; it must end well and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments],
        env=environment(Path("/nonexistent"), **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout
