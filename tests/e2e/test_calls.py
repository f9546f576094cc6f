"""``pyrometer calls``: real commands, each process of theirs in one report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
from stack import BIN, PYROMETER, ROOT, clean_environment

SHOP = ROOT / "examples" / "shop"
PYTHON = BIN / "python"
PROCESSES = textwrap.dedent(
    """
    import multiprocessing, os, subprocess, sys

    def leaf():
        pass

    def work(n):
        for _ in range(n):
            leaf()

    if __name__ == "__main__":
        work(3)
        child = multiprocessing.get_context("fork").Process(target=work, args=(5,))
        child.start()
        child.join()
        if os.fork() == 0:
            work(10)
            sys.exit(0)
        os.wait()
        subprocess.run([sys.executable, "-c", "def leaf(): pass\\nfor _ in range(100): leaf()"], check=True)
        print("the output is the command's own")
        sys.exit(int(sys.argv[1]))
    """
)


def calls(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYROMETER, "calls", *words],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def calls_of(report: dict, name: str) -> int:
    numbers = {number for number, function in enumerate(report["functions"]) if function["name"] == name}
    nodes = report["nodes"]
    return sum(count for function, count in zip(nodes["function"], nodes["calls"]) if function in numbers)


@pytest.mark.parametrize("code", [0, 3])
def test_every_process_is_in_the_report(tmp_path: Path, code: int) -> None:
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES)
    done = calls("-o", tmp_path / "out.json", "--", PYTHON, script, str(code))
    assert (done.returncode, done.stdout) == (min(code, 1), "the output is the command's own\n"), done.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    assert calls_of(report, "leaf") == 3 + 5 + 10 + 100
    assert len({thread["pid"] for thread in report["threads"]}) == 4
    assert report["timer"]["requested"] == report["timer"]["used"] == "cpu"
    assert "timer: cpu (" in done.stderr
    assert ("the command failed: exit status: 3" in done.stderr) == (code == 3)


def test_a_django_management_command(tmp_path: Path) -> None:
    done = calls("-o", tmp_path / "out.json", "--", PYTHON, "manage.py", "check", cwd=SHOP)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    assert calls_of(report, "BaseCommand.check") or calls_of(report, "Command.handle") == 1
    assert report["total"] == report["nodes"]["total"][0] > 0


def test_only_chosen_functions(tmp_path: Path) -> None:
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES)
    done = calls("--function", "le*f", "-o", tmp_path / "out.json", "--", PYTHON, script, "0")
    report = json.loads((tmp_path / "out.json").read_text())
    assert done.returncode == 0
    assert {function["name"] for function in report["functions"]} == {"all", "leaf"}
    assert calls_of(report, "leaf") == 118


def test_gunicorn_is_ended_by_a_signal_and_its_workers_are_recorded(tmp_path: Path) -> None:
    output, address = tmp_path / "out.json", tmp_path / "gunicorn.sock"
    command = [BIN / "gunicorn", "-w", "2", "-b", f"unix:{address}", "app:application"]
    (tmp_path / "app.py").write_text(
        textwrap.dedent(
            """
            def price():
                return b"12"

            def application(environ, start_response):
                start_response("200 OK", [("content-length", "2")])
                return [price()]
            """
        )
    )
    process = subprocess.Popen(
        [PYROMETER, "calls", "-o", output, "--", *command],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(7):
            assert request(address) == b"12"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    report = json.loads(output.read_text())
    assert process.returncode == 0, errors
    assert calls_of(report, "price") == 7
    assert len({thread["pid"] for thread in report["threads"]}) == 3


def request(address: Path) -> bytes:
    """One request over a Unix socket; waits for the server to be there."""
    import http.client
    import socket

    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        try:
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.connect(os.fspath(address))
            connection.request("GET", "/")
            return connection.getresponse().read()
        except (ConnectionError, FileNotFoundError):
            assert time.monotonic() < deadline
        finally:
            connection.close()


def test_a_killed_process_leaves_what_it_had(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, signal, time

            def leaf():
                pass

            while time.thread_time() < 6:
                for _ in range(1000):
                    leaf()
            os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    done = calls("-o", tmp_path / "out.json", "--", PYTHON, script)
    assert done.returncode == 1 and "the command failed: signal: 9" in done.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    assert calls_of(report, "leaf") > 100_000


def test_what_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    for output, code, problem in (
        (tmp_path / "missing" / "x.html", 1, "cannot be written"),
        (tmp_path / "x.unknown", 2, "no format is known by the ending"),
    ):
        done = calls("-o", output, "--", "touch", proof)
        assert done.returncode == code and problem in done.stderr and "hint: " in done.stderr
        assert not proof.exists() and not output.exists()


def test_a_command_without_python(tmp_path: Path) -> None:
    done = calls("-o", tmp_path / "x.html", "--", "true")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "pyrometer: nothing was recorded"
    assert calls("--", "/nonexistent").stderr.startswith("pyrometer: /nonexistent cannot be started")
    assert calls("--timer", "sundial", "--", "true").returncode == 2
