"""``pyrometer calls -- CMD`` inside each Python process of the command.

The command line names a private directory. Every process leaves one file there when it ends, named
after its process id, and the command line makes one report of them. The file is renewed every few seconds,
so that a process that is killed leaves what it had. What cannot be left is said once
on stderr; the program goes on either way.
"""

from __future__ import annotations

import atexit
import os
import sys

from pyrometer import CallsError, _native
from pyrometer._calls import Calls, forked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

DIRECTORY = "PYROMETER_CALLS_DIR"
TIMER = "PYROMETER_CALLS_TIMER"
FUNCTIONS = "PYROMETER_CALLS_FUNCTIONS"
C_CALLS = "PYROMETER_CALLS_C"
MAX_NODES = "PYROMETER_CALLS_MAX_NODES"

_exit = os._exit
_recording: Calls | None = None
_place: str | None = None


def start(directory: str) -> None:
    """Begin, and leave what is found when the process ends."""
    global _recording
    environment = os.environ.get
    recording = Calls(
        timer=environment(TIMER, "cpu"),  # type: ignore[arg-type]
        functions=[pattern for pattern in environment(FUNCTIONS, "").split("\n") if pattern],
        c_calls=bool(environment(C_CALLS)),
        max_nodes=int(environment(MAX_NODES) or 200_000),
    )
    _take_place(directory)
    # Registered first, so that it runs last: what other exit handlers do is recorded too.
    atexit.register(leave)
    try:
        recording.start()
    except CallsError as error:
        _say(error.problem, error.hint)
        return
    _recording = recording
    forked.append(_follow_fork)
    os._exit = _leave_and_exit


def leave() -> None:
    """End, and leave the file. Called at exit; a second call does nothing."""
    global _recording
    recording, _recording = _recording, None
    if recording is None or _place is None:
        return
    try:
        _native.calls_keep(None)
        recording.stop()
        recording.report.write_parts(_place)
    except Exception as error:
        _say(f"what was recorded is lost: {error}", "see whether the temporary directory is full")


def _take_place(directory: str) -> None:
    global _place
    _place = os.path.join(directory, f"{os.getpid()}.json")
    number = 1
    while os.path.exists(_place):  # the same process id again, after exec
        _place = os.path.join(directory, f"{os.getpid()}-{number}.json")
        number += 1
    with open(_place, "wb"):  # empty: the command line sees that this process began
        pass
    _native.calls_keep(_place)


def _follow_fork() -> None:
    try:
        _take_place(os.environ[DIRECTORY])
    except Exception as error:
        _say(f"a forked process is not recorded: {error}", "see whether the temporary directory is full")


def _leave_and_exit(status: int) -> NoReturn:
    """In place of ``os._exit``, by which children of multiprocessing end."""
    leave()
    _exit(status)


def _say(problem: str, hint: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"pyrometer: {problem}\nhint: {hint}\n")
    except (OSError, ValueError):
        pass  # Nobody can be told.
