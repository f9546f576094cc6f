"""The endpoint against clients that are slow, rude or many."""

from __future__ import annotations

import json

import pytest
from conftest import connected, get, stats


@pytest.fixture
def path(run):
    program = run("idle")
    json.loads(program.line())
    return program.socket()


@pytest.mark.parametrize("target", ["/", "/feed?since=0", "/flamegraph", "/collapsed?type=wall", "/stats"])
def test_pages_are_there(path, target):
    status, body = get(path, target)
    assert status == 200 and body is not None


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nowhere", 404),
        ("/feed?since=x", 400),
        ("/feed?have=1", 400),
        ("/collapsed?type=heat", 400),
        ("/collapsed?seconds=-1", 400),
        ("/debug/pprof/profile?seconds=0", 400),
        ("/debug/pprof/profile?seconds=99999", 400),
    ],
)
def test_bad_requests_are_told_apart(path, target, status):
    assert get(path, target)[0] == status


def test_rude_clients_disturb_nobody(path):
    for rude in (
        b"\x00\xff" * 50,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500,
        b"GET /" + b"a" * 20_000,
        b"POST /stats HTTP/1.1\r\n\r\n",
    ):
        with connected(path) as client:
            client.sendall(rude)
            assert client.recv(16).startswith(b"HTTP/1.1 4")
    assert stats(path)["agent"]["state"] == "running"


def test_silent_clients_do_not_block_others(path):
    silent = [connected(path) for _ in range(6)]
    clients = [connection.__enter__() for connection in silent]
    clients[0].sendall(b"GET /sta")
    assert stats(path)["pid"] > 0
    [connection.__exit__(None, None, None) for connection in silent]


def test_leaving_a_profile_early_frees_its_place(path):
    for _ in range(12):
        with connected(path) as client:
            client.sendall(b"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\n\r\n")
            stats(path)
    status, body = get(path, "/debug/pprof/profile?seconds=1")
    assert status == 200 and body[:2] == b"\x1f\x8b"
