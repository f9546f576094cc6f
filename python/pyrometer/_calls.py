"""CPU cost per call: what ``pyrometer.calls()`` returns, and what it found.

Loaded when first asked for. The hooks, the tree and the timers are in the extension; this is their face.
"""

from __future__ import annotations

import os
import sys

from pyrometer import CallsError, _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Literal

    TimerName = Literal["instructions", "cpu", "wall"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__))

# Flags of code objects, see `inspect.CO_*`.
_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200

MAX_NODES = 200_000


class Node:
    """One function under its callers, and what it cost there.

    ``self_value`` and ``total`` are in the timer's unit, without the recorder's own cost;
    ``raw_self`` is as measured. ``resumes`` counts how often a generator or coroutine went on.
    """

    __slots__ = (
        "calls",
        "children",
        "file",
        "line",
        "name",
        "raw_self",
        "resumes",
        "self_value",
        "total",
    )

    def __init__(self, name: str, file: str, line: int) -> None:
        self.name = name
        self.file = file
        self.line = line
        self.calls = self.resumes = self.self_value = self.raw_self = self.total = 0
        self.children: list[Node] = []

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Depth and node, callers first, the costliest callee first."""
        open_nodes = [(0, self)]
        while open_nodes:
            depth, node = open_nodes.pop()
            yield depth, node
            open_nodes.extend((depth + 1, child) for child in reversed(node.children))

    def find(self, name: str) -> Node | None:
        """The first node of a function of this name, callers first."""
        for _, node in self.walk():
            if node.name == name:
                return node
        return None

    def __repr__(self) -> str:
        return f"<Node {self.name} calls={self.calls} self={self.self_value} total={self.total}>"


class Thread:
    """One thread that was recorded."""

    def __init__(self, report: _native.Report, number: int, name: str, native_id: int) -> None:
        self._report = report
        self._number = number
        self.name = name
        self.native_id = native_id

    @property
    def tree(self) -> Node:
        """Its calling-context tree; the root is ``all``."""
        return _tree(self._report.columns(self._number))


class Calls:
    """A recording of calls: a context manager, a decorator, and afterwards what was found."""

    def __init__(
        self,
        *,
        timer: TimerName | Callable[[], int] = "cpu",
        functions: Sequence[str] = (),
        c_calls: bool = False,
        max_nodes: int = MAX_NODES,
        output: str | os.PathLike[str] | None = None,
        title: str | None = None,
    ) -> None:
        if isinstance(functions, str):
            raise TypeError("functions is a list of patterns, not one")
        self._options: dict[str, object] = {
            "timer": timer,
            "functions": [str(pattern) for pattern in functions],
            "c_calls": bool(c_calls),
            "max_nodes": max(1, int(max_nodes)),
            "package": _PACKAGE,
            "title": title or _title(),
        }
        self._output = None if output is None else os.fspath(output)
        self._report: _native.Report | None = None
        self._is_running = False

    def start(self) -> Calls:
        """Begin. Raises ``CallsError`` if it cannot, with the program untouched."""
        if self._output is not None:
            _check_writable(self._output)
        refused = _native.calls_start(self._options)
        if refused is not None:
            raise CallsError(*refused)
        _hook_forks()
        self._is_running = True
        self._report = None
        return self

    def stop(self) -> Calls:
        """End, and keep what was found. Stopping twice is fine."""
        if self._is_running:
            self._is_running = False
            self._report = _native.calls_stop()
            if self._output is not None:
                self.write(self._output)
        return self

    def __enter__(self) -> Calls:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Record while the function runs; the last recording is its attribute ``recording``."""
        return _decorated(self, function)

    @property
    def report(self) -> _native.Report:
        """What was found, or was found so far."""
        report = _native.calls_read() if self._is_running else self._report
        if report is None:
            raise CallsError("nothing was recorded yet", "use it in a with statement first")
        return report

    @property
    def tree(self) -> Node:
        """The calling-context tree of all threads; its root is ``all``."""
        return _tree(self.report.columns())

    @property
    def threads(self) -> list[Thread]:
        """The threads, each with its own tree."""
        report = self.report
        return [Thread(report, number, *thread) for number, thread in enumerate(report.threads())]

    @property
    def about(self) -> dict[str, object]:
        """Which timer ran and why, what calibration took out, and events that needed care."""
        return self.report.about()

    def table(self, rows: int = 20) -> str:
        """The costliest functions by self value, and how it was measured, as text."""
        return self.report.table(rows)

    def write(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write a file: html, collapsed, pprof or json; by its ending unless ``format`` says which."""
        self.report.write(os.fspath(path), format)


# Called in the child of a fork, once its counts began at zero.
forked: list[Callable[[], None]] = []
_hooked = False


def _hook_forks() -> None:
    global _hooked
    if not _hooked:
        _hooked = True
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    _native.calls_after_fork()
    for follow in forked:
        follow()


def _title() -> str:
    script = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return script or "python"


def _check_writable(path: str) -> None:
    existed = os.path.exists(path)
    with open(path, "ab"):
        pass
    if not existed:
        os.unlink(path)


def _tree(columns: tuple[list[Any], ...]) -> Node:
    nodes: list[Node] = []
    for name, file, line, parent, calls, resumes, self_value, raw_self, total in zip(*columns):
        node = Node(name, file, line)
        node.calls, node.resumes = calls, resumes
        node.self_value, node.raw_self, node.total = self_value, raw_self, total
        if parent >= 0:
            nodes[parent].children.append(node)
        nodes.append(node)
    return nodes[0]


def _decorated(recording: Calls, function: Callable[..., Any]) -> Callable[..., Any]:
    import functools

    code = getattr(function, "__code__", None)
    flags = code.co_flags if code is not None else 0

    if flags & _COROUTINE:

        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with _Unless(recording):
                return await function(*args, **kwargs)

    elif flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise TypeError("a generator cannot be recorded as one; decorate what consumes it")
    else:

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with _Unless(recording):
                return function(*args, **kwargs)

    recorded.recording = recording  # type: ignore[attr-defined]
    return recorded


class _Unless:
    """Begins a recording unless it runs already: a decorated function may call itself."""

    def __init__(self, recording: Calls) -> None:
        self._recording = recording
        self._began = False

    def __enter__(self) -> None:
        if not self._recording._is_running:
            self._recording.start()
            self._began = True

    def __exit__(self, *_: object) -> None:
        if self._began:
            self._recording.stop()
