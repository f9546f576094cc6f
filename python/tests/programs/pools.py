"""Work on threads of pools: known CPU shares by logical path.

``pools.py SECONDS``. Prints one line of JSON: CPU nanoseconds by path, where a path is the names of the
functions from ``main`` to the one that burns, joined by ``;``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
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


def work(path: str) -> None:
    burn(f"{path};work", 20_000)


def submitting(pool: concurrent.futures.Executor) -> None:
    pool.submit(work, "main;submitting").result()


def mapping(pool: concurrent.futures.Executor) -> None:
    list(pool.map(work, ["main;mapping"] * 3))


async def in_task() -> None:
    await asyncio.to_thread(work, "main;in_task")


def main() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        while time.monotonic() < until:
            submitting(pool)
            mapping(pool)

    async def main() -> None:
        while time.monotonic() < until + seconds:
            await asyncio.gather(in_task(), in_task())

    asyncio.run(main())


if __name__ == "__main__":
    agent = pyrometer.start()
    seconds = float(sys.argv[1]) / 2
    until = time.monotonic() + seconds
    main()
    print(json.dumps(used), flush=True)
    sys.stdin.read()
