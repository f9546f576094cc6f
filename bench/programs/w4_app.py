"""W4: the WSGI application that gunicorn serves. Three views, each with work of its own.

Every worker keeps what its functions really used in the file ``used-PID`` of the folder that
``BENCH_FOLDER`` names, as JSON padded with blanks.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ledger import Ledger, compute, decode, write

LENGTH = 512
MS = 1_000_000
state: dict[int, tuple[Ledger, int]] = {}


def feed(ledger: Ledger) -> None:
    ledger.spend("feed;compute", compute, 3 * MS)
    ledger.spend("feed;write", write, 1 * MS)


def search(ledger: Ledger) -> None:
    ledger.spend("search;decode", decode, 4 * MS)


def render(ledger: Ledger) -> None:
    ledger.spend("render;write", write, 4 * MS)
    ledger.spend("render;compute", compute, 2 * MS)


VIEWS = {"/feed": feed, "/search": search, "/render": render}


def of_this_worker() -> tuple[Ledger, int]:
    pid = os.getpid()
    if pid not in state:
        path = Path(os.environ["BENCH_FOLDER"], f"used-{pid}")
        state[pid] = Ledger(), os.open(path, os.O_CREAT | os.O_WRONLY)
    return state[pid]


def application(environ: dict, start_response) -> list[bytes]:
    ledger, file = of_this_worker()
    view = VIEWS.get(environ["PATH_INFO"])
    if view:
        view(ledger)
        os.pwrite(file, json.dumps(ledger.used).ljust(LENGTH).encode(), 0)
    start_response("200 OK", [("Content-Length", "0")])
    return []
