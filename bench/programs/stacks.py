"""Walks a known set of distinct stacks, all of them once in every round of ten seconds.

A target of measurement: it knows no profiler. Each stack is held by a busy loop for its own time:
at least two sampling periods, so that no round misses it, and the more the further ahead it ranks,
as in real programs. Prints ``{"stacks"}``, then walks until stdin closes.
"""

from __future__ import annotations

import json
import random
import select
import sys
import time

HANDLERS, SERVICES, QUERIES = 6, 10, 5
STACKS = HANDLERS * SERVICES * QUERIES
ROUND_SECONDS = 9.8  # a little less than a window, for what the machine takes
LEAST_SECONDS = 0.020
FILES = ("shop/catalog/views.py", "shop/pricing/rules.py", "shop/search/ranking.py")


def hold(seconds: float) -> None:
    end = time.monotonic() + seconds
    # One line, so that the leaf of the stack is one location.
    while time.monotonic() < end: pass  # noqa: E701  # fmt: skip


def made(file: str, name: str, body: str, **names: object):
    """A function called ``name``, as if it stood in ``file``."""
    exec(compile(f"def {name}(seconds, path):\n    {body}\n", file, "exec"), names)
    return names[name]


def make_stacks() -> list:
    """Entry and path of each stack: handler, service and query call one another."""
    queries = [made(FILES[2], f"query_{n}", "hold(seconds)", hold=hold) for n in range(QUERIES)]
    call_query = "queries[path[0]](seconds, path)"
    services = [made(FILES[1], f"service_{n}", call_query, queries=queries) for n in range(SERVICES)]
    call_service = "services[path[1]](seconds, path)"
    handlers = [made(FILES[0], f"handler_{n}", call_service, services=services) for n in range(HANDLERS)]
    return [
        (handlers[n % HANDLERS], (n // HANDLERS % QUERIES, n // HANDLERS // QUERIES)) for n in range(STACKS)
    ]


def main() -> None:
    chance = random.Random(1)
    stacks = make_stacks()
    chance.shuffle(stacks)
    ranks = [1 / rank for rank in range(1, STACKS + 1)]
    spare = ROUND_SECONDS - STACKS * LEAST_SECONDS
    print(json.dumps({"stacks": STACKS}), flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        for (entry, path), rank in zip(stacks, ranks):
            # Half to one and a half of its usual time: no two windows are alike.
            share = rank / sum(ranks) * chance.uniform(0.5, 1.5)
            entry(LEAST_SECONDS + spare * share, path)


main()
