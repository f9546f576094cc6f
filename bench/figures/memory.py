"""Memory that the agent adds to a worker of the shop: the same worker with and without it, in pairs.

Both of a pair run at the same time and do the same requests. They are looked at when the agent has
closed two windows and a collector's poll has been answered after each. Two pairs run beside each
other, so pages of the agent's library are shared as among workers of one host.
"""

from __future__ import annotations

import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import Figure, Memory, children_of, memory_of
from plan import Plan
from targets import endpoint, get, seed_shop, shop, stats, wait_until

PAIRS = 5
PAIRS_AT_ONCE = 2
WINDOWS = 2
WINDOW_SECONDS = 10
REQUESTS = 120
# What the requests ask for, in turn: every kind of page that needs no form.
PAGES = (
    "/",
    "/brands/",
    "/search/?q=steel+knife",
    "/api/products/?page_size=40",
    "/cart/",
    "/api/categories/",
)
MIB = 1 << 20
GOAL_MIB = 12.0


def measure(plan: Plan) -> list[Figure]:
    kinds = ("rss", "pss", "uss")
    figures = {
        kind: Figure(f"extra memory of a worker of the shop, {kind.upper()}", "MiB", GOAL_MIB)
        for kind in kinds
    }
    with TemporaryDirectory(prefix="pyrometer-bench-") as folder:
        database = seed_shop(Path(folder))
        with ThreadPoolExecutor(max_workers=PAIRS_AT_ONCE) as pool:
            pairs = list(pool.map(pair, [database] * plan.times(PAIRS)))
        for without, with_agent in pairs:
            for kind, figure in figures.items():
                figure.values.append((getattr(with_agent, kind) - getattr(without, kind)) / MIB)
    return list(figures.values())


def pair(database: Path) -> tuple[Memory, Memory]:
    """Memory of a worker without and of one with the agent."""
    with ExitStack() as stack:
        plain, plain_url = stack.enter_context(shop(database, workers=1, agent=False))
        agent, agent_url = stack.enter_context(shop(database, workers=1, agent=True))
        [plain_worker] = children_of(plain.pid)
        [agent_worker] = children_of(agent.pid)
        socket = endpoint(agent, agent_worker)
        for number in range(REQUESTS):
            for url in (plain_url, agent_url):
                visit(url, number)
        for window in range(1, WINDOWS + 1):
            wait_until(
                lambda count=window: stats(socket)["windows"]["closed"] >= count,
                agent,
                f"{window} windows were not closed",
                seconds=(WINDOWS + 1) * WINDOW_SECONDS,
            )
            get(socket, "/feed?since=0")
            for url in (plain_url, agent_url):
                visit(url, window)
        time.sleep(0.2)  # the answers are out; let both come to rest
        return memory_of(plain_worker), memory_of(agent_worker)


def visit(url: str, number: int) -> None:
    with urllib.request.urlopen(url + PAGES[number % len(PAGES)], timeout=30) as answer:
        answer.read()
