"""Targets that are no workers are shown for what they are, and disturb nobody."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from account import settle, traffic
from stack import PYROMETER, Stack, eventually

PROCESSES = 5

Behaviour = Callable[[socket.socket], None]


def web_page(connection: socket.socket) -> None:
    body = b"<!doctype html><title>It works</title>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def garbage(connection: socket.socket) -> None:
    connection.sendall(bytes(range(256)) * 64)


def garbage_in_http(connection: socket.socket) -> None:
    body = b"PYRF" + bytes(range(256)) * 64
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def half_an_answer(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nPYRF")


def no_answer(connection: socket.socket) -> None:
    connection.recv(1)  # Returns when the other side has had enough.


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


@contextmanager
def impostor(behave: Behaviour) -> Iterator[str]:
    """Address of a server that reads a request and then does what it likes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                if self.request.recv(65536):
                    behave(self.request)
            except OSError:
                pass  # Whoever hangs up on an impostor is right.

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> tuple[str, socket.socket]:
    """An address where nobody listens; held, so that nobody comes to."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{held.getsockname()[1]}", held


# What is shown; the endless ones may run into the bound of bytes or into that of time.
EXPECTED: list[tuple[Behaviour, set[str]]] = [
    (web_page, {"invalid"}),
    (garbage, {"invalid"}),
    (garbage_in_http, {"invalid"}),
    (half_an_answer, {"unreachable", "invalid"}),
    (no_answer, {"unreachable"}),
    (endless, {"invalid", "unreachable"}),
    (endless_head, {"invalid", "unreachable"}),
]


def test_bad_targets_are_shown_and_the_good_are_collected(stack: Stack) -> None:
    with ExitStack() as open_ones:
        addresses = {open_ones.enter_context(impostor(behave)): states for behave, states in EXPECTED}
        nobody, held = closed_port()
        open_ones.enter_context(held)
        addresses[nobody] = {"unreachable"}

        stack.serve("--poll-interval", "1", *(f"--target={address}" for address in addresses))
        url = stack.known_shares()

        def rows() -> dict[str, dict]:
            return {worker["target"]: worker for worker in stack.get("workers")["workers"]}

        def all_asked() -> bool:
            return all(rows()[address]["state"] != "pending" for address in addresses)

        with traffic(url + "/?ms=10", visitors=3) as requests:
            eventually("every bad target was asked", all_asked)
            eventually("the good ones are known", lambda: len(stack.workers()) == PROCESSES)
            settle(stack, PROCESSES)
        assert requests.failed == 0
        settle(stack, PROCESSES)

        shown = rows()
        for address, states in addresses.items():
            bad = shown[address]
            assert bad["state"] in states, bad
            assert bad["error"], bad
            assert bad["hint"], f"no hint for what to do: {bad}"
            assert (bad["windows"], bad["samples"], bad["service"]) == (0, 0, None)
        assert stack.get("services", from_="now-1h")["services"][0]["name"] == "known"
        assert stack.get("workers")["collector"]["state"] == "collecting"


@pytest.mark.parametrize("target", ["ftp://127.0.0.1:1", "http://127.0.0.1", "nonsense", "http://a:1/path"])
def test_a_target_that_cannot_be_meant_is_refused_at_once(stack: Stack, target: str) -> None:
    process = stack.start(
        "refused", [PYROMETER, "serve", "--data", stack.folder / "data", "--target", target]
    )
    code = eventually("it ends", lambda: None if (found := process.exit_code()) is None else [found])[0]
    assert code != 0
    assert target in process.text()
