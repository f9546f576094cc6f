"""What one window of a warm worker costs on the wire: the answer to a collector that has the rest."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

import feedfile
from measure import Figure, NotMeasured
from plan import Plan
from targets import endpoint, program, running, stats, wait_until

GOAL_BYTES = 4096
WARM_UP_WINDOWS = 2
MOST_WINDOWS = 3
# A window with fewer stacks is left out: the machine was too busy to walk or sample them all.
LEAST_STACKS = 285
MOST_TRIES = 12
WINDOW_SECONDS = 10


@dataclass
class Answer:
    wire_bytes: int
    newest: int
    have: str  # for the next request, as a collector would put it
    stacks: list[int]  # distinct stacks of each window


def ask(path: Path, target: str) -> bytes:
    """Every byte that the worker sends for one GET, the head of the answer included."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while chunk := client.recv(1 << 16):
            received += chunk
        return received


def decode(received: bytes, have: str = "") -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise NotMeasured("the endpoint did not answer with a feed")
    feed = feedfile.decode(body)
    have = next((tables.have for tables in reversed(feed.tables.values())), have)
    stacks = [max((len(block.stacks) for block in blocks), default=0) for _, blocks in feed.windows]
    return Answer(len(received), feed.newest, have, stacks)


def measure(plan: Plan) -> list[Figure]:
    figure = Figure("one window of 10 s, about 300 stacks, bytes on the wire", "B", GOAL_BYTES)
    with running(program("stacks"), agent=True) as target:
        target.next_line()
        path = endpoint(target)
        answer = wait_for_window(target, path, Answer(0, 0, "", []), WARM_UP_WINDOWS)
        seen = []
        for _ in range(MOST_TRIES):
            answer = wait_for_window(target, path, answer, answer.newest + 1)
            seen.append(answer.stacks[0])
            if len(answer.stacks) == 1 and answer.stacks[0] >= LEAST_STACKS:
                figure.values.append(answer.wire_bytes)
            if len(figure.values) == min(plan.rounds, MOST_WINDOWS):
                break
    listed = ", ".join(map(str, seen))
    figure.note = (
        f"stacks of the windows seen: {listed}; those with {LEAST_STACKS} or more count, HTTP head included"
    )
    if not figure.values:
        figure.reason = f"no window had {LEAST_STACKS} stacks: the machine is too busy"
    return [figure]


def wait_for_window(target, path: Path, last: Answer, number: int) -> Answer:
    """What a collector gets that polls when window ``number`` is closed and has all before it."""
    seconds = (number - last.newest + 1) * WINDOW_SECONDS
    closed = lambda: stats(path)["windows"]["closed"] >= number  # noqa: E731
    wait_until(closed, target, f"window {number} was not closed", seconds)
    time.sleep(0.1)
    query = f"/feed?since={last.newest}" + (f"&have={last.have}" if last.have else "")
    return decode(ask(path, query), last.have)
