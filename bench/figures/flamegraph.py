"""How long the server takes for a flamegraph of four workers, over real HTTP, asked again and again.

The store holds what a collector got from the feeds of four real workers of the shop under load,
for as long as this ran. Five minutes take five minutes: ``--full`` waits for them, else the note
says how much there was. The load is off while the answers are timed.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import Figure, NotMeasured
from plan import Plan
from targets import BIN, PYROMETER, SHOP, Process, answers, free_port, running, seed_shop, shop, wait_until

WORKERS = 4
SHORT_SECONDS = 25
FULL_SECONDS = 310  # five minutes, and what it takes to collect the last window of them
LOAD_PER_SECOND = 35
WARM_UP_REQUESTS = 5
REQUESTS = 50
GOAL_MS = 30.0
CPU_TYPE = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"


def measure(plan: Plan) -> list[Figure]:
    figure = Figure("flamegraph of 4 workers, warm, over HTTP", "ms", GOAL_MS)
    seconds = FULL_SECONDS if plan.full else SHORT_SECONDS
    with TemporaryDirectory(prefix="pyrometer-bench-") as name:
        folder = Path(name)
        try:
            with filled(folder, seconds) as (host, since):
                figure.values, figure.note = time_answers(host, since)
        except NotMeasured as error:
            figure.reason = str(error)
    if not plan.full and figure.values:
        figure.note += "; --full asks for 5 real minutes"
    return [figure]


@contextmanager
def filled(folder: Path, seconds: float) -> Iterator[tuple[str, float]]:
    """A server that has collected from the shop under load: its address, and when that began."""
    sockets = folder / "sockets"
    sockets.mkdir(mode=0o700)
    database = seed_shop(folder)
    host = f"127.0.0.1:{free_port()}"
    serve = [PYROMETER, "serve", "--data", folder / "data", "--listen", host, "--dir", sockets]
    with running(serve) as server:
        wait_until(lambda: answers(f"http://{host}/readyz"), server, "the server does not answer")
        since = time.time()
        with shop(
            database, workers=WORKERS, agent=True, PYROMETER_DIR=str(sockets), PYROMETER_SERVICE="shop"
        ) as (master, url):
            put_load(master, url, seconds)
            yield host, since


def put_load(master: Process, url: str, seconds: float) -> None:
    command = [
        BIN / "python",
        "load.py",
        "--url",
        url,
        "--seconds",
        seconds,
        "--rate",
        LOAD_PER_SECOND,
        "--json",
    ]
    load = subprocess.run(
        [str(word) for word in command], cwd=SHOP, capture_output=True, text=True, check=False
    )
    if load.returncode != 0:
        raise NotMeasured(f"the shop failed under load: {(load.stderr or load.stdout).strip()[-200:]}")
    master.check()


def time_answers(host: str, since: float) -> tuple[list[float], str]:
    """Milliseconds of each request on one connection, from sending to the last byte; and what was asked."""
    connection = http.client.HTTPConnection(host, timeout=30)
    interval = {"query": '{service="shop"}', "from": f"{since:.3f}", "until": f"{time.time():.3f}"}
    path = "/api/v1/flamegraph?" + urllib.parse.urlencode({**interval, "type": CPU_TYPE})

    def ask(target: str) -> bytes:
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise NotMeasured(f"{target} answered {answer.status}: {body[:200]!r}")
        return body

    spent = []
    for _ in range(WARM_UP_REQUESTS + REQUESTS):
        start = time.perf_counter_ns()
        body = ask(path)
        spent.append((time.perf_counter_ns() - start) / 1e6)
    graph = json.loads(body)
    workers = [worker for worker in json.loads(ask("/api/v1/workers"))["workers"] if worker["windows"]]
    connection.close()
    if not graph["samples"]:
        raise NotMeasured("the server has collected no samples")
    windows = sum(worker["windows"] for worker in workers)
    nodes = len(graph["nodes"]["parent"])
    note = f"covers {windows} windows of {len(workers)} processes (gunicorn's master included), {graph['samples']} samples, {nodes} call nodes, {len(body) / 1000:.0f} kB"
    return spent[WARM_UP_REQUESTS:], note
