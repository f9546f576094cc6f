"""Burns CPU under labels in a thread, in tasks that overlap, in a pool and in a generator.

Prints, as JSON, the CPU nanoseconds by its own clock, by value of the label ``part``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyrometer

spent: Counter[str] = Counter()


def burn(part: str, milliseconds: float) -> None:
    """Uses so much CPU of this thread, and books it."""
    start = time.thread_time_ns()
    end = start + milliseconds * 1e6
    while (now := time.thread_time_ns()) < end:
        sum(range(500))
    spent[part] += now - start


def in_thread() -> None:
    with pyrometer.label(part="thread", kind="outer"):
        burn("thread", 30)
        with pyrometer.label(part="inner"):
            burn("inner", 20)


@pyrometer.label(part="decorated")
async def decorated() -> None:
    for _ in range(4):
        burn("decorated", 5)
        await asyncio.sleep(0)


async def labelled(part: str, milliseconds: float) -> None:
    with pyrometer.label(part=part):
        for _ in range(4):
            burn(part, milliseconds / 4)
            await asyncio.sleep(0)
        # A task made inside has the label, too.
        await asyncio.create_task(child(part))


async def child(part: str) -> None:
    burn(part, 5)


@pyrometer.label(part="generator")
def steps() -> Iterator[int]:
    for step in range(4):
        burn("generator", 5)
        yield step


async def tasks() -> None:
    await asyncio.gather(labelled("first", 20), labelled("second", 40), decorated())
    burn("none", 10)


def main(seconds: float) -> None:
    # One thread for all, since one that lives for 50 ms is seen at its end only.
    pool = ThreadPoolExecutor(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pool.submit(in_thread).result()
        asyncio.run(tasks())
        for _ in steps():
            burn("none", 5)
    print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
