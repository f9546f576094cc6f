"""W5: gevent. Four spawners run sixty greenlets each, again and again; the main greenlet works too.

All greenlets run the same function, so who caused the CPU can only be told from who spawned them: the
truth is by spawner.
"""

from __future__ import annotations

import gevent
from ledger import Ledger, compute, goes_on, order, ready

CHILDREN = 60
STEPS = 5
TURN_NS = 120_000_000


def child(ledger: Ledger, spawner: str, piece, nanoseconds: float) -> None:
    for _ in range(STEPS):
        ledger.spend(f"{spawner};{piece.__name__}", piece, nanoseconds)
        gevent.sleep(0)


def spawned(ledger: Ledger, spawner: str, piece, share: float) -> None:
    nanoseconds = share * TURN_NS / CHILDREN
    gevent.joinall([gevent.spawn(child, ledger, spawner, piece, nanoseconds) for _ in range(CHILDREN)])


def feed(ledger: Ledger) -> None:
    while True:
        spawned(ledger, "feed", compute, 0.30)


def render(ledger: Ledger) -> None:
    while True:
        spawned(ledger, "render", compute, 0.12)


def search(ledger: Ledger) -> None:
    while True:
        spawned(ledger, "search", order, 0.25)


def mail(ledger: Ledger) -> None:
    while True:
        spawned(ledger, "mail", order, 0.08)


def direct(ledger: Ledger) -> None:
    ledger.spend("direct;compute", compute, 0.25 * TURN_NS)
    gevent.sleep(0)


def main() -> None:
    ledger = Ledger()
    spawners = [gevent.spawn(spawner, ledger) for spawner in (feed, render, search, mail)]
    ready()
    while goes_on(ledger.answer):
        direct(ledger)
    gevent.killall(spawners)


main()
