"""pyrometer: where a fleet of Python processes spends its CPU and its waiting, in production.

``start()`` puts the always-on sampler into this process; ``pyrometer run -- CMD`` does it without
a code change. This module imports nothing beyond the interpreter's own built-in modules, starts
nothing by itself, and never raises into the program after it was called.
"""

from __future__ import annotations

import atexit
import os
import sys

from pyrometer import _absent

TYPE_CHECKING = False
if TYPE_CHECKING or not _absent.is_needed():
    from pyrometer import _native
else:
    _native = _absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from pyrometer._calls import Calls, TimerName
    from pyrometer._labels import label

__all__ = ["Agent", "CallsError", "__version__", "calls", "label", "start"]

__version__ = "0.1.0"


class CallsError(RuntimeError):
    """Calls cannot be recorded now. ``hint`` says what to do."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem} (hint: {hint})")
        self.problem = problem
        self.hint = hint


class Agent:
    """The agent of this process, as ``start()`` returns it.

    After a fork the child has an agent of its own; the same object then speaks of that one.
    """

    __slots__ = ()

    @property
    def running(self) -> bool:
        """Whether samples are being taken."""
        return _native.status().running

    @property
    def incarnation(self) -> str | None:
        """This life of this process, ``host/pid/start``; ``None`` without an agent."""
        return _native.status().incarnation

    @property
    def service(self) -> str | None:
        """Service that the samples are counted for; ``None`` without an agent."""
        return _native.status().service

    @property
    def socket(self) -> str | None:
        """Path of the Unix socket of the endpoint; ``None`` without an agent."""
        return _native.status().socket

    @property
    def address(self) -> str | None:
        """``host:port`` really listened on, if ``listen`` was given."""
        return _native.status().address

    def stop(self) -> None:
        """Stop sampling. The last window is left for the collector. Stopping twice is fine."""
        _native.stop()


_agent = Agent()
_hooked = False


def start(
    *,
    service: str | None = None,
    rate: int | None = None,
    labels: Mapping[str, str] | None = None,
    directory: str | os.PathLike[str] | None = None,
    listen: str | None = None,
    token: str | None = None,
    budget: float | None = None,
    join_threads: bool | None = None,
) -> Agent:
    """Start the always-on sampler and its endpoint in this process.

    Call it once, as early as possible; a second call returns the running agent and changes nothing.
    Forked children start an agent of their own. It never raises: when the agent cannot run here, one
    warning says why on stderr, and the program goes on unprofiled.

    Every option left out is taken from the environment (``PYROMETER_SERVICE``, ``PYROMETER_RATE``,
    ``PYROMETER_LABELS``, ``PYROMETER_DIR``, ``PYROMETER_LISTEN``, ``PYROMETER_TOKEN``,
    ``PYROMETER_BUDGET``, ``PYROMETER_JOIN_THREADS``), else it has the default named below.

    Args:
        service: What this process is a worker of. Default: the name of the program.
        rate: Mean samples per second of each thread, 1 to 1000. Default 100. Ticks are placed at
            random within each period, so periodic work is not aliased.
        labels: Labels of everything this process reports, for example ``{"version": "2026.4"}``,
            added to those of the environment.
        directory: Where the endpoint's socket is made; private to the user. Default:
            ``$XDG_RUNTIME_DIR/pyrometer``, ``/run/pyrometer`` for root, else ``/tmp/pyrometer-UID``.
        listen: ``host:port`` of a second endpoint over TCP, port 0 for any free one. Default: none.
        token: What readers over TCP must show; needed unless ``listen`` is a loopback address.
        budget: Most CPU the agent may use, as a share of one core. Default 0.01; beyond it the rate
            is lowered.
        join_threads: Whether work on threads of ``concurrent.futures``, ``asyncio.to_thread`` too,
            stands under the code that submitted it. Default: no; it stands under its thread.

    Returns:
        The agent. ``agent.running`` is false when it could not be started.

    Example:
        >>> import pyrometer
        >>> agent = pyrometer.start(service="shop", labels={"version": "2026.4"})
        >>> agent.stop()

    Cost: about 1 ms now, then what docs/reference/overhead.md shows.
    """
    try:
        options: dict[str, object] = {
            "service": service,
            "rate": rate,
            "labels": None if labels is None else [(str(k), str(v)) for k, v in labels.items()],
            "directory": None if directory is None else os.fspath(directory),
            "listen": listen,
            "token": token,
            "budget": budget,
            "join_threads": join_threads,
        }
        status = _native.start(options, _program())
    except Exception as error:  # whatever was passed in: the program goes on
        _warn(f"not started: {error}", "see help(pyrometer.start) for what each option takes")
        return _agent
    if status.problem is not None:
        _warn(f"not started: {status.problem}", status.hint)
    elif not _hooked:
        _hook()
    return _agent


def calls(
    function: Callable[..., Any] | None = None,
    /,
    *,
    timer: TimerName | Callable[[], int] = "cpu",
    functions: Sequence[str] = (),
    c_calls: bool = False,
    max_nodes: int = 200_000,
    output: str | os.PathLike[str] | None = None,
) -> Any:
    """Record what every call costs, with complete call stacks, in all threads of this process.

    ``with pyrometer.calls() as p:`` records a block; ``@pyrometer.calls`` or
    ``@pyrometer.calls(timer=...)`` a function while it runs. Afterwards ``p.tree`` is the
    calling-context tree, ``p.table()`` the costliest functions, and ``p.write("calls.html")`` a file.

    Args:
        function: The function, when used as a bare decorator.
        timer: What is measured: ``"cpu"`` time, ``"instructions"`` in user space, ``"wall"`` time, or a
            function that returns a number. What cannot be had is replaced, and ``p.about`` says why.
        functions: Patterns (``*``, ``?``) of the functions to record; all others cost nothing on 3.12 and
            later. Default: every function.
        c_calls: Also record calls of functions in C.
        max_nodes: Bound of the tree of each thread, about 100 bytes a node; more is ``(other)``.
        output: A file to write at the end. That it can be written is tried at the begin.

    Returns:
        The recording, or the decorated function, whose ``recording`` attribute is the last one.

    Raises:
        CallsError: when entered, if calls cannot be recorded now; the program is untouched.

    Example:
        >>> import pyrometer
        >>> with pyrometer.calls() as p:
        ...     _ = sorted([3, 1, 2], key=lambda value: -value)
        >>> p.tree.find("<lambda>").calls
        3

    Cost: about 15 ms to begin, then what docs/reference/calls.md shows.
    """
    from pyrometer._calls import Calls

    recording: Calls = Calls(
        timer=timer, functions=functions, c_calls=c_calls, max_nodes=max_nodes, output=output
    )
    return recording if function is None else recording(function)


def __getattr__(name: str) -> object:
    # What needs more of the standard library is imported by its first use.
    if name == "label":
        from pyrometer._labels import label

        globals()["label"] = label
        return label
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _hook() -> None:
    global _hooked
    _hooked = True
    # The functions of the extension themselves: no bytecode of ours runs inside a fork.
    os.register_at_fork(
        before=_native.before_fork,
        after_in_parent=_native.after_fork_in_parent,
        after_in_child=_native.after_fork_in_child,
    )
    atexit.register(_native.stop)
    # Workers of multiprocessing and Celery end by os._exit, which runs no handler.
    os._exit = _native._exit


def _program() -> str:
    """Name of the program for people: script without its ending, module for ``-m``, else python."""
    # With -m, argv[0] is "-m" until the module is found; orig_argv (3.10) has it.
    words: list[str] = getattr(sys, "orig_argv", [])
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    script = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    if script in ("", "-c"):
        return "python"
    return script.removesuffix(".py")


def _warn(problem: str, hint: str | None) -> None:
    if sys.stderr is None:
        return
    text = f"pyrometer: {problem}\n"
    if hint:
        text += f"hint: {hint}\n"
    try:
        sys.stderr.write(text)
    except (OSError, ValueError):
        pass  # Nobody can be told.
