"""However a process ends, it ends as it would without the agent, and leaves its last window."""

from __future__ import annotations

import signal
import zlib

import pytest
from conftest import build_embedder


def left_behind(program) -> bytes:
    """What the one spool file holds, unpacked."""
    [spool] = program.directory.glob("*.spool")
    assert not list(program.directory.glob("*.sock"))
    # Behind a head of 13 bytes, deflated (crates/formats/src/feed.rs).
    return zlib.decompress(spool.read_bytes()[13:], -15)


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("return", 0),
        ("raise", 1),
        ("sys.exit", 3),
        ("os._exit", 3),
        ("os._exit in a thread", 3),
        ("threads alive", 0),
        ("daemons alive", 0),
    ],
)
def test_an_end_is_as_without_the_agent_and_leaves_the_last_window(run, way, code):
    program = run("ends", way)
    assert program.finish() == (code, "")
    assert b"work" in left_behind(program)


def test_what_os_exit_refuses_does_not_end_the_agent(run):
    program = run("ends", "os._exit refused")
    assert program.line() == "running"
    assert program.finish() == (0, "")


def test_a_signal_that_is_not_handled_ends_the_process_by_it(run):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGKILL):
        program = run("ends", "signal")
        assert program.line() == "ready"
        program.process.send_signal(number)
        code, errors = program.finish()
        assert code == -number
        assert errors == "" or number == signal.SIGINT  # The KeyboardInterrupt of Python.


def test_a_handled_signal_ends_the_process_as_its_handler_says(run):
    program = run("ends", "handled signal")
    assert program.line() == "ready"
    program.process.send_signal(signal.SIGTERM)
    assert program.finish() == (7, "")
    assert b"work" in left_behind(program)


def test_stopping_and_starting_again(run):
    program = run("ends", "stop and start")
    assert program.finish() == (0, "")
    # Lives in which no sample was taken leave nothing.
    assert 1 <= len(list(program.directory.glob("*.spool"))) <= 21


def test_an_interpreter_may_be_ended_and_started_again_in_one_process(run, tmp_path):
    embedder = build_embedder(tmp_path)
    program = run("embedded", command=[str(embedder), str(tmp_path)])
    # The extension has objects of the first interpreter: later ones go on unprofiled, and are told so.
    assert [program.line() for _ in range(3)] == ["running", "refused", "refused"]
    code, errors = program.finish()
    assert code == 0
    assert errors.count("not the first Python interpreter") == errors.count("hint:") == 2
