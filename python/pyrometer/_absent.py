"""Stands in for the extension where it must not be loaded: in every interpreter of a process but the first.

The extension keeps objects of the interpreter that loaded it. One that was started later, after
``Py_Finalize`` or beside it, would be handed objects of another.
"""

from __future__ import annotations

import os
import sys


class Status:
    """Of an agent that never runs."""

    running = False
    problem: str | None = None
    hint: str | None = None
    incarnation: str | None = None
    service: str | None = None
    socket: str | None = None
    address: str | None = None


def is_needed() -> bool:
    """Whether this process has loaded the extension, and this interpreter has not."""
    if "pyrometer._native" in sys.modules:
        return False
    try:
        with open("/proc/self/maps", "rb") as maps:
            return b"/pyrometer/_native." in maps.read()
    except OSError:
        return False


PROBLEM = "this is not the first Python interpreter of its process"
HINT = "one interpreter of a process can be profiled; use a process for each"


def start(given: dict[str, object], program: str) -> Status:
    refused = Status()
    refused.problem, refused.hint = PROBLEM, HINT
    return refused


def calls_start(given: dict[str, object]) -> tuple[str, str] | None:
    return PROBLEM, HINT


def calls_read() -> None:
    return None


calls_stop = calls_after_fork = calls_read


def calls_keep(path: str | None) -> None:
    pass


def status() -> Status:
    return Status()


def stop() -> None:
    pass


def before_fork() -> None:
    pass


after_fork_in_parent = after_fork_in_child = before_fork
_exit = os._exit


def set_label_variable(variable: object) -> None:
    pass


def add_label_set(label_set: object, pairs: list[tuple[str, str]]) -> bool:
    return False
