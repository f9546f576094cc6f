"""One busy thread at a known stack depth that spends its CPU in four functions by a known plan.

A target of measurement: it knows no profiler. It prints one line ``{"thread": OS thread id}``, then
answers every line on stdin with the CPU nanoseconds that each function really used so far, by the
thread's own clock, and ends when stdin closes. Most of the CPU is inside C functions, which a
sampler that sees only Python's own instructions counts wrongly.
"""

from __future__ import annotations

import argparse
import json
import threading
import time

from ledger import goes_on
from mixture import PLAN

ROUND_NS = 100_000_000
used = {function.__name__: 0 for function in PLAN}


def spend(function, nanoseconds: float) -> None:
    start = now = time.thread_time_ns()
    while now < start + nanoseconds:
        function()
        now = time.thread_time_ns()
    used[function.__name__] += now - start


def work_until_told_to_end() -> None:
    print(json.dumps({"thread": threading.get_native_id()}), flush=True)
    while goes_on(lambda: used):
        for function, share in PLAN.items():
            spend(function, share * ROUND_NS)


def descend(frames: int) -> None:
    if frames > 0:
        descend(frames - 1)
    else:
        work_until_told_to_end()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=30, help="frames from the module to the leaf")
    parser.add_argument("--idle", type=int, default=0, help="further threads, which only wait")
    options = parser.parse_args()
    never = threading.Event()
    for _ in range(options.idle):
        threading.Thread(target=never.wait, daemon=True).start()
    # Besides the descent, the stack has the module, main, work_until_told_to_end, spend and the leaf.
    descend(options.depth - 6)


main()
