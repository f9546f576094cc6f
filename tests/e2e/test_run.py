"""`pyrometer run`: the command keeps its own exit code, signals, children and sitecustomize."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest
from stack import BIN, PYROMETER, Stack, eventually

PYTHON = BIN / "python"

# Whether this process has an endpoint: its socket's name begins with its number.
ENDPOINTS = """
import glob, os, sys
def endpoints():
    return len(glob.glob(os.path.join(os.environ["PYROMETER_DIR"], f"{os.getpid()}-*.sock")))
"""


def run(
    stack: Stack, script: str, *options: Any, python: Any = PYTHON, **more: Any
) -> subprocess.CompletedProcess:
    """A Python script under `pyrometer run`, to its end."""
    command = [PYROMETER, "run", *options, "--", python, "-c", ENDPOINTS + script]
    more.setdefault("env", stack.environment)
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=120, check=False, **more
    )


def test_the_exit_code_and_the_output_are_the_commands_own(stack: Stack) -> None:
    done = run(stack, "print(endpoints()); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr) == (3, "1\n", "")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import signal; signal.pause()", -signal.SIGTERM),
        ("import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); signal.pause()", 7),
    ],
    ids=["default", "handled"],
)
def test_a_signal_reaches_the_command(stack: Stack, script: str, expected: int) -> None:
    ready = "print('ready', flush=True);"
    process = stack.start(
        "signalled",
        [
            PYROMETER,
            "run",
            "--",
            PYTHON,
            "-c",
            "import sys;" + script.replace("signal.pause", ready + "signal.pause"),
        ],
    )
    process.said("(ready)")
    assert process.end(signal.SIGTERM) == expected
    assert "Traceback" not in process.text()


def test_the_users_sitecustomize_and_path_are_kept(stack: Stack) -> None:
    own = stack.folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.MARK = 'from the user'\n")
    (own / "beside.py").write_text("NAME = 'beside'\n")
    environment = {**stack.environment, "PYTHONPATH": str(own)}
    done = run(
        stack,
        "import beside, sitecustomize; print(MARK, beside.NAME, sitecustomize.__file__, endpoints())",
        env=environment,
    )
    assert (done.stdout.split(), done.stderr) == (
        ["from", "the", "user", "beside", str(own / "sitecustomize.py"), "1"],
        "",
    )


def test_an_error_in_the_users_sitecustomize_is_shown_as_ever(stack: Stack) -> None:
    own = stack.folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("raise ValueError('of the user')\n")
    environment = {**stack.environment, "PYTHONPATH": str(own)}
    alone = subprocess.run(
        [PYTHON, "-c", "print('on')"], capture_output=True, text=True, check=False, env=environment
    )
    done = run(stack, "print('on')", env=environment)
    assert (done.returncode, done.stdout) == (alone.returncode, alone.stdout)
    assert done.stderr.count("ValueError: of the user") == alone.stderr.count("ValueError: of the user") == 1


def test_children_by_fork_and_by_exec_have_an_agent_each(stack: Stack) -> None:
    script = """
import subprocess
child = os.fork()
if child == 0:
    print("forked", endpoints(), flush=True)
    sys.exit(0)
os.waitpid(child, 0)
again = "import glob, os; print('executed', len(glob.glob(os.path.join(os.environ['PYROMETER_DIR'], f'{os.getpid()}-*.sock'))))"
subprocess.run([sys.executable, "-c", again], check=True)
subprocess.run(["sh", "-c", f'"{sys.executable}" -c "{again}"'], check=True)
print("parent", endpoints())
"""
    done = run(stack, script)
    assert (done.stdout.splitlines(), done.stderr) == (
        ["forked 1", "executed 1", "executed 1", "parent 1"],
        "",
    )
    assert done.returncode == 0


def test_after_exec_nothing_is_left_behind(stack: Stack) -> None:
    """An entry point in Python that becomes the server: one worker is shown, not a dead one besides."""
    stack.serve("--poll-interval", "1")
    wait = "print('ready', flush=True); sys.stdin.read()"
    script = f"import os, sys; os.execv(sys.executable, [sys.executable, '-c', {('import sys; ' + wait)!r}])"
    process = stack.start(
        "becoming",
        [PYROMETER, "run", "--service", "becomes", "--", PYTHON, "-c", script],
        stdin=subprocess.PIPE,
    )
    process.said("(ready)")
    eventually("it is a worker", lambda: [w for w in stack.workers() if w["pid"] == process.pid])

    def states() -> set[str]:
        own = [w for w in stack.get("workers")["workers"] if f"/{process.pid}-" in w["target"]]
        return {worker["state"] for worker in own}

    eventually("its life before exec is over", lambda: states() <= {"up", "exited"}, seconds=30)


def test_a_command_that_is_not_there(stack: Stack) -> None:
    done = subprocess.run(
        [PYROMETER, "run", "--", "no-such-command"],
        capture_output=True,
        text=True,
        check=False,
        env=stack.environment,
    )
    assert done.returncode not in (0, 3)
    assert "no-such-command" in done.stderr
    assert "hint:" in done.stderr
