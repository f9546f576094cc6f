"""Starting: what comes back, what is refused, and that the program goes on either way."""

from __future__ import annotations

import json
import os
import socket
import time

import pytest
from conftest import collapsed, stats


def test_starting_twice_returns_the_running_agent(run):
    program = run("idle", json.dumps({"service": "shop", "rate": 50, "labels": {"version": "1"}}))
    told = json.loads(program.line())
    assert told["running"] and told["same"] and told["service"] == "shop"
    assert stats(program.socket())["rate_hz"] == 50
    assert stats(program.socket())["incarnation"] == told["incarnation"]


def test_the_environment_mirrors_the_options(run):
    program = run("idle", PYROMETER_SERVICE="from-env", PYROMETER_RATE="20", PYROMETER_LISTEN="127.0.0.1:0")
    told = json.loads(program.line())
    assert told["service"] == "from-env"
    host, _, port = told["address"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 200")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"GET /stats HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 403")


def test_the_service_defaults_to_the_name_of_the_program(run):
    assert json.loads(run("idle").line())["service"] == "idle"


def test_a_command_without_a_script_is_called_python(run):
    program = run(
        "idle", flags=("-c", "import sys; sys.argv.pop(1); exec(open(sys.argv.pop(1)).read())", "-")
    )
    assert json.loads(program.line())["service"] == "python"


def refused(program) -> str:
    """What a program that runs on unprofiled wrote on stderr."""
    assert json.loads(program.line())["running"] is False
    code, errors = program.finish()
    assert code == 0
    assert errors.count("pyrometer:") == 2, "one warning per start()"
    assert "hint:" in errors
    return errors


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0},
        {"rate": 10**9},
        {"rate": -1},
        {"rate": "fast"},
        {"labels": 3},
        {"budget": 7},
        {"listen": "0.0.0.0:0"},
    ],
)
def test_bad_options_warn_and_the_program_goes_on(run, options):
    refused(run("idle", json.dumps(options)))


def test_a_bad_variable_names_itself(run):
    assert "PYROMETER_RATE" in refused(run("idle", PYROMETER_RATE="often"))


def test_an_unusable_directory_is_one_warning(run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "socket directory" in refused(run("idle", json.dumps({"directory": str(tmp_path / "file" / "x")})))
    assert "cannot be opened" in refused(run("idle", json.dumps({"directory": str(tmp_path / ("x" * 120))})))


def test_a_busy_port_is_one_warning(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        assert address in refused(run("idle", PYROMETER_LISTEN=address))


def test_the_end_leaves_a_spool_and_no_socket(run):
    program = run("idle")
    program.line()
    path = program.socket()
    # Without any sample there would be nothing to leave.
    deadline = time.monotonic() + 30
    while not collapsed(path, "wall"):
        assert time.monotonic() < deadline, "no sample was taken"
        time.sleep(0.01)
    code, errors = program.finish()
    assert (code, errors) == (0, "")
    assert os.listdir(program.directory) == [os.path.basename(path).replace(".sock", ".spool")]
    assert os.stat(program.directory).st_mode & 0o777 == 0o700


def test_a_closed_stderr_does_not_matter(run):
    program = run(
        "idle",
        json.dumps({"rate": 0}),
        flags=("-c", "import sys; sys.stderr = None; exec(open(sys.argv.pop(1)).read())"),
    )
    assert json.loads(program.line())["running"] is False
    assert program.finish() == (0, "")
