"""asyncio under the sampler: known CPU shares by logical path.

``tasks.py SHAPE SECONDS [uvloop] [eager]``. Prints one line of JSON: CPU nanoseconds by path, where a path is
the names of the coroutines from the main task to the one that burns, joined by ``;``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pyrometer

used: dict[str, int] = {}


def burn(path: str, rounds: int) -> None:
    """Uses CPU and notes how much."""
    before = time.thread_time_ns()
    total = 0
    for number in range(rounds):
        total += number * number
    used[path] = used.get(path, 0) + time.thread_time_ns() - before


async def light(path: str) -> None:
    burn(f"{path};light", 1500)
    await asyncio.sleep(0)


async def heavy(path: str) -> None:
    burn(f"{path};heavy", 6000)
    await asyncio.sleep(0)
    await inner(f"{path};heavy")


async def inner(path: str) -> None:
    burn(f"{path};inner", 3000)
    await asyncio.sleep(0)


async def gathered(until: float) -> None:
    """200 tasks at a time, of two kinds under two parents."""

    async def left() -> None:
        path = "main;gathered;left"
        await asyncio.gather(*[light(path) for _ in range(60)], *[heavy(path) for _ in range(40)])

    async def right() -> None:
        path = "main;gathered;right"
        await asyncio.gather(*[light(path) for _ in range(90)], *[heavy(path) for _ in range(10)])

    while time.monotonic() < until:
        await asyncio.gather(left(), right())


async def grouped(until: float) -> None:
    """TaskGroup, wait_for, shield and create_task."""
    while time.monotonic() < until:
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(light("main;grouped"))
        await asyncio.wait_for(asyncio.create_task(heavy("main;grouped;wait_for")), 60)
        await asyncio.shield(asyncio.create_task(light("main;grouped")))
        await asyncio.wait([asyncio.create_task(heavy("main;grouped;wait;_wait"))])


async def shared(until: float) -> None:
    """One task that two wait for."""

    async def work() -> None:
        while time.monotonic() < until:
            burn("main;shared;first;work", 1500)
            await asyncio.sleep(0)

    async def first(task: asyncio.Task[None]) -> None:
        await task

    async def second(task: asyncio.Task[None]) -> None:
        await asyncio.gather(task)

    task = asyncio.create_task(work())
    await asyncio.gather(first(task), second(task))


async def orphaned(until: float) -> None:
    """Tasks that nobody waits for, some of which outlive their creator."""

    async def orphan(rounds: int) -> None:
        for _ in range(rounds):
            burn("main;orphaned;launch;orphan", 600)
            await asyncio.sleep(0)

    async def launch() -> set[asyncio.Task[None]]:
        started = set()
        for _ in range(5):
            started.add(asyncio.create_task(orphan(20)))
        return started

    kept: set[asyncio.Task[None]] = set()
    while time.monotonic() < until:
        started = await asyncio.create_task(launch())
        kept |= started
        while len(kept) > 20:
            await asyncio.sleep(0)
            for task in list(kept):
                if task.done():
                    kept.discard(task)


async def failing(until: float) -> None:
    """Tasks that raise or are cancelled."""

    async def fails() -> None:
        burn("main;failing;fails", 4000)
        await asyncio.sleep(0)
        raise ValueError

    async def cancelled() -> None:
        burn("main;failing;cancelled", 4000)
        await asyncio.sleep(3600)

    while time.monotonic() < until:
        tasks = []
        for _ in range(10):
            tasks.append(asyncio.create_task(cancelled()))
        await asyncio.gather(*(fails() for _ in range(10)), return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def suspended(until: float) -> None:
    """30 tasks in one place and 10 in another, for all of the time."""

    async def place_a() -> None:
        await asyncio.sleep(until - time.monotonic())

    async def place_b() -> None:
        await place_a()

    await asyncio.gather(*(place_a() for _ in range(30)), *(place_b() for _ in range(10)))


async def crowd(until: float) -> None:
    """20,000 tasks that wait, a tenth of them elsewhere."""
    done = asyncio.Event()

    async def few() -> None:
        await done.wait()

    async def many() -> None:
        await done.wait()

    tasks = [asyncio.create_task(many() if number % 10 else few()) for number in range(20_000)]
    await asyncio.sleep(until - time.monotonic())
    done.set()
    await asyncio.wait(tasks)


async def storm(until: float) -> None:
    """Deep chains of tasks that are made, cancelled and freed as fast as can be."""
    made = 0

    async def chain(depth: int) -> None:
        nonlocal made
        made += 1
        if depth:
            await asyncio.gather(chain(depth - 1), asyncio.create_task(chain(depth - 1)))
        else:
            await asyncio.sleep(0)

    while time.monotonic() < until:
        task = asyncio.create_task(chain(6))
        for _ in range(made % 7):
            await asyncio.sleep(0)
        if made % 2:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    used["made"] = made


def threaded(until: float) -> None:
    """Two loops in two threads, each with its own tasks."""

    async def one() -> None:
        while time.monotonic() < until:
            await asyncio.gather(*[light("main;one") for _ in range(20)])

    async def two() -> None:
        while time.monotonic() < until:
            await asyncio.gather(*[heavy("main;two") for _ in range(20)])

    async def main(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await body()

    threads = [threading.Thread(target=asyncio.run, args=(main(body),)) for body in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def main(shape: str, until: float) -> None:
    if "eager" in sys.argv:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await globals()[shape](until)


if __name__ == "__main__":
    shape, seconds, *more = sys.argv[1:]
    agent = pyrometer.start()
    until = time.monotonic() + float(seconds)
    if shape == "threaded":
        threaded(until)
    elif "uvloop" in more:
        import uvloop

        uvloop.run(main(shape, until))
    else:
        asyncio.run(main(shape, until))
    print(json.dumps(used), flush=True)
    sys.stdin.read()
