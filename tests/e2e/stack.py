"""The processes of one test: `pyrometer serve`, gunicorn under `pyrometer run`, and what they say.

Everything runs as users run it, on loopback, on ports that the system picks, in a folder of its own.
Nothing here sleeps for a fixed time to be right: :func:`eventually` asks until the answer is there.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
PYROMETER = BIN / "pyrometer"
KNOWN_SHARES = ROOT / "examples" / "known_shares"

CPU = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
WALL = "wall:wall:nanoseconds:wall:nanoseconds"
SAMPLES = "wall:samples:count:wall:nanoseconds"

# Longer than anything takes on a machine with other work; nothing waits that long when all is well.
PATIENCE_SECONDS = 120


def eventually(what: str, probe: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What ``probe`` returns as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return found


def clean_environment(**more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYROMETER_", "PYTHON"))
    }
    return {**kept, **more}


class Process:
    """One started command and its log."""

    def __init__(self, name: str, command: list[str], log: Path, **options: Any) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True, **options
            )
        self.pid = self._popen.pid

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def exit_code(self) -> int | None:
        return self._popen.poll()

    def said(self, pattern: str) -> str:
        """The first group of ``pattern`` once the log has it."""

        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.text())
            assert match or self.exit_code() is None, f"{self.name} ended:\n{self.text()[-2000:]}"
            return match

        return eventually(f"{self.name} says {pattern!r}", found)[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits; whatever does not end by it is killed."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)
        try:
            return self._popen.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            return self._popen.wait()


class Stack:
    """What one test started, in the order of starting."""

    def __init__(self) -> None:
        # Short, since the path of a socket may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pyrometer-e2e-"))
        self.sockets = self.folder / "sockets"
        self.truth = self.folder / "truth"
        self.truth.mkdir()
        self.started: list[Process] = []
        self.address = ""
        self.environment = clean_environment(
            PYROMETER_DIR=str(self.sockets), KNOWN_SHARES_DIR=str(self.truth)
        )

    def start(self, name: str, command: list[Any], **options: Any) -> Process:
        words = [str(word) for word in command]
        options.setdefault("env", self.environment)
        process = Process(name, words, self.folder / f"{name}.log", **options)
        self.started.append(process)
        return process

    def serve(self, *options: Any, data: str = "data", name: str = "serve") -> Process:
        """`pyrometer serve`, ready to be asked."""
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        command = [PYROMETER, "serve", "--data", self.folder / data, "--listen", "127.0.0.1:0", *options]
        process = self.start(name, command)
        self.address = process.said(r"pyrometer is on (http://\S+)")
        eventually("serve is ready", lambda: self.status("/readyz") == 200)
        return process

    def known_shares(self, *gunicorn: Any, run: tuple[str, ...] = (), binaries: Path = BIN) -> str:
        """examples/known_shares under gunicorn with four workers; its address."""
        command = [PYROMETER, "run", "--service", "known", *run, "--", binaries / "gunicorn"]
        options = [
            "--workers",
            "4",
            "--bind",
            "127.0.0.1:0",
            "--no-control-socket",
            "--timeout",
            "120",
            *gunicorn,
        ]
        process = self.start("gunicorn", [*command, *options, "app:application"], cwd=KNOWN_SHARES)
        return process.said(r"Listening at: (http://\S+)")

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.address + path, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def get(self, resource: str, **parameters: Any) -> dict[str, Any]:
        """A good answer of the API. ``from_`` is `from`."""
        status, answer = self.ask(resource, **parameters)
        assert status == 200, answer
        return answer

    def ask(self, resource: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
        query = urllib.parse.urlencode({name.rstrip("_"): value for name, value in parameters.items()})
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{resource}?{query}", timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def workers(self, state: str = "up") -> list[dict[str, Any]]:
        return [worker for worker in self.get("workers")["workers"] if worker["state"] == state]

    def stop(self) -> None:
        for process in reversed(self.started):
            process.end()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def worker_page(target: str, page: str) -> tuple[int, str, bytes]:
    """Status, media type and body of a page of a worker's own endpoint."""
    connection = UnixConnection(target.removeprefix("unix:"))
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()
