"""Greenlets under the sampler: known CPU shares by logical path.

``greenlets.py SHAPE SECONDS``. Prints one line of JSON: CPU nanoseconds by path, where a path is the
names of the functions from ``main`` to the one that burns, joined by ``;``.
"""

from __future__ import annotations

import json
import sys
import time

import pyrometer

used: dict[str, int] = {}


def burn(path: str, rounds: int) -> None:
    """Uses CPU and notes how much."""
    before = time.thread_time_ns()
    total = 0
    for number in range(rounds):
        total += number * number
    used[path] = used.get(path, 0) + time.thread_time_ns() - before


def light(path: str) -> None:
    burn(f"{path};light", 1500)
    gevent.sleep(0)


def heavy(path: str) -> None:
    burn(f"{path};heavy", 6000)
    gevent.sleep(0)
    inner(f"{path};heavy")


def inner(path: str) -> None:
    burn(f"{path};inner", 3000)


def spawn(kinds: list, path: str) -> None:
    spawned = []
    for kind in kinds:
        spawned.append(gevent.spawn(kind, f"{path};spawn"))
    gevent.joinall(spawned)


def left() -> None:
    path = "main;left"
    spawn([light] * 60 + [heavy] * 40, path)


def right() -> None:
    path = "main;right"
    spawn([light] * 90 + [heavy] * 10, path)


def plain_child(path: str) -> None:
    while True:
        burn(f"{path};plain_child", 1500)
        greenlet.getcurrent().parent.switch()


def plain(path: str) -> None:
    children = [greenlet.greenlet(plain_child) for _ in range(300)]
    while time.monotonic() < until:
        burn(path, 1500)
        # As programs with greenlets wait for something now and then: greenlet is noticed by a thread
        # that needs the GIL once.
        time.sleep(0.001)
        for child in children:
            child.switch(path)


def main(shape: str) -> None:
    if shape == "plain":
        plain("main;plain")
    while time.monotonic() < until:
        gevent.joinall([gevent.spawn(left), gevent.spawn(right)])


if __name__ == "__main__":
    agent = pyrometer.start()
    until = time.monotonic() + float(sys.argv[2])
    if sys.argv[1] == "plain":
        import greenlet
    else:
        import gevent
    main(sys.argv[1])
    print(json.dumps(used), flush=True)
    sys.stdin.read()
