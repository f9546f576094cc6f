"""W3: asyncio. Four parents gather fifty tasks each, again and again; one coroutine is awaited directly.

All tasks run the same coroutine, so who caused the CPU can only be told from the await chain: the
truth is by parent. A quarter of the work has no task between itself and its caller.
"""

from __future__ import annotations

import asyncio

from ledger import Ledger, compute, goes_on, order, ready

CHILDREN = 50
STEPS = 5
# What each parent causes per turn of the loop.
TURN_NS = 120_000_000


async def child(ledger: Ledger, parent: str, piece, nanoseconds: float) -> None:
    for _ in range(STEPS):
        ledger.spend(f"{parent};{piece.__name__}", piece, nanoseconds)
        await asyncio.sleep(0)


async def gathered(ledger: Ledger, parent: str, piece, share: float) -> None:
    nanoseconds = share * TURN_NS / CHILDREN
    await asyncio.gather(*(child(ledger, parent, piece, nanoseconds) for _ in range(CHILDREN)))


async def feed(ledger: Ledger) -> None:
    while True:
        await gathered(ledger, "feed", compute, 0.30)


async def render(ledger: Ledger) -> None:
    while True:
        await gathered(ledger, "render", compute, 0.12)


async def search(ledger: Ledger) -> None:
    while True:
        await gathered(ledger, "search", order, 0.25)


async def mail(ledger: Ledger) -> None:
    while True:
        await gathered(ledger, "mail", order, 0.08)


async def direct(ledger: Ledger) -> None:
    ledger.spend("direct;compute", compute, 0.25 * TURN_NS)
    await asyncio.sleep(0)


async def main() -> None:
    ledger = Ledger()
    parents = [asyncio.create_task(parent(ledger)) for parent in (feed, render, search, mail)]
    ready()
    while goes_on(ledger.answer):
        await direct(ledger)
    for parent in parents:
        parent.cancel()
    await asyncio.gather(*parents, return_exceptions=True)


asyncio.run(main())
