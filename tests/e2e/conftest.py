"""Fixtures of the end-to-end tests: a stack of processes, and environments of other Pythons.

`make test-e2e` runs them after `make build`. When a test fails, the logs of its processes are shown.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stack import BIN, ROOT, Stack

LOG_CHARACTERS = 4000


def pytest_collection_modifyitems() -> None:
    missing = [path for path in (BIN / "pyrometer", BIN / "gunicorn") if not path.exists()]
    if missing:
        pytest.exit(f"{missing[0]} is missing: run `make build`", returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        stacks = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Stack)]
        for process in (process for stack in stacks for process in stack.started):
            code = process.exit_code()
            state = "running" if code is None else f"exit code {code}"
            text = process.text() if process.log.exists() else ""
            report.sections.append((f"{process.name} (PID {process.pid}, {state})", text[-LOG_CHARACTERS:]))
    return report


def _stack() -> Iterator[Stack]:
    stack = Stack()
    try:
        yield stack
    finally:
        stack.stop()
        stack.remove()


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack of this test alone."""
    yield from _stack()


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[Stack]:
    """A stack for tests that only look."""
    yield from _stack()


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], str]:
    """Path of the interpreter of a minor version; skips the test without one."""

    def find(minor: str) -> str:
        command = [ROOT / "tools" / "pythons.sh", minor]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if not found:
            pytest.skip(f"NOT TESTED: Python {minor} is not installed")
        return found[1]

    return find


@pytest.fixture(scope="session")
def environment_of() -> Callable[[str, str, list[str]], Path]:
    """The bin folder of a virtual environment with some packages, kept between runs."""

    def make(name: str, python: str, packages: list[str]) -> Path:
        folder = ROOT / "target" / "venvs-e2e" / name
        stamp = folder / ".stamp"
        wanted = " ".join([python, *packages])
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
            pip = [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, *packages], check=True, env={**os.environ, "PYTHONPATH": ""})
            stamp.write_text(wanted)
        return folder / "bin"

    return make
