"""What cannot be profiled goes on unharmed, with exactly one warning per process, or none where the
environment is ignored on purpose."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from stack import BIN, PYROMETER, Stack

NOBODY = 65534

CHILD = "print('child')"
PARENT = f"import subprocess, sys; print('parent', flush=True); subprocess.run([sys.executable, '-c', {CHILD!r}]); sys.exit(3)"


def run(stack: Stack, *command: object, **more: object) -> subprocess.CompletedProcess:
    words = [str(word) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, **{"env": stack.environment, **more}
    )


def warnings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("pyrometer:")]


@pytest.mark.parametrize("minor", ["3.7", "3.8"])
def test_an_older_python_goes_on_with_one_warning_per_process(
    stack: Stack, minor: str, python_of: Callable
) -> None:
    done = run(stack, PYROMETER, "run", "--", python_of(minor), "-c", PARENT)
    assert (done.returncode, done.stdout.split()) == (3, ["parent", "child"])
    assert len(warnings(done.stderr)) == 2, done.stderr
    assert all(minor in line for line in warnings(done.stderr)), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(stack.sockets.glob("*.sock"))


def test_an_isolated_python_is_left_alone(stack: Stack) -> None:
    done = run(stack, PYROMETER, "run", "--", BIN / "python", "-I", "-c", "print('isolated')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "isolated\n", "")
    assert not list(stack.sockets.glob("*.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: giving a directory to somebody else needs root")
def test_a_socket_directory_of_somebody_else_is_not_used(stack: Stack) -> None:
    foreign = stack.folder / "foreign"
    foreign.mkdir()
    os.chown(foreign, NOBODY, NOBODY)
    done = run(stack, PYROMETER, "run", "--dir", foreign, "--", BIN / "python", "-c", "print('on')")
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert len(warnings(done.stderr)) == 1, done.stderr
    assert "hint:" in done.stderr
    assert not list(foreign.iterdir())


@pytest.fixture
def readable_installation(stack: Stack) -> Path:
    """A copy of what is installed that every user may read, at the path that `pip` would give it."""
    stack.folder.chmod(0o755)
    prefix = stack.folder / "installed"
    site = prefix / "lib" / "python3" / "site-packages"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy(PYROMETER, prefix / "bin")
    package = run(
        stack, BIN / "python", "-c", "import pyrometer, os; print(os.path.dirname(pyrometer.__file__))"
    ).stdout.strip()
    shutil.copytree(package, site / "pyrometer", ignore=shutil.ignore_patterns("__pycache__"))
    return prefix / "bin" / "pyrometer"


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: becoming another user needs root")
def test_without_permission_to_write_there_is_one_warning(stack: Stack, readable_installation: Path) -> None:
    setpriv, python = shutil.which("setpriv"), Path("/usr/bin/python3")
    if not setpriv or not python.exists():
        pytest.skip("NOT TESTED: it needs setpriv and a Python that every user may run")
    closed = stack.folder / "closed"
    closed.mkdir(mode=0o755)
    assert not closed.stat().st_mode & stat.S_IWOTH
    as_nobody = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = run(
        stack,
        *as_nobody,
        readable_installation,
        "run",
        "--dir",
        closed / "sockets",
        "--",
        python,
        "-c",
        "print('on')",
        cwd="/",
    )
    assert (done.returncode, done.stdout) == (0, "on\n"), done.stderr
    assert len(warnings(done.stderr)) == 1, done.stderr
    assert "hint:" in done.stderr
