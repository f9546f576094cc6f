"""W2: eight threads that compute, sleep, wait for a lock, and leave the GIL; each runs its own function.

The truth is the CPU clock of each thread, read by the main thread when asked.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from types import FunctionType

from ledger import call, clock, compute, order, ready, write

BLOCK = bytes(1 << 20)
shared = threading.Lock()
MS = 1_000_000


def always_computes() -> None:
    while True:
        compute(clock() + 20 * MS)


def always_calls() -> None:
    while True:
        call(clock() + 20 * MS)


def sleeps_often() -> None:
    while True:
        compute(clock() + 2 * MS)
        time.sleep(0.006)


def sleeps_long() -> None:
    while True:
        order(clock() + 4 * MS)
        time.sleep(0.025)


def holds_the_lock() -> None:
    while True:
        with shared:
            write(clock() + 3 * MS)
        time.sleep(0.002)


def waits_for_the_lock() -> None:
    while True:
        with shared:
            compute(clock() + 1 * MS)
        time.sleep(0.001)


def leaves_the_gil() -> None:
    while True:
        for _ in range(4):
            hashlib.sha256(BLOCK).digest()
        time.sleep(0.020)


def mostly_idle() -> None:
    while True:
        write(clock() + MS // 5)
        time.sleep(0.050)


WORK: tuple[FunctionType, ...] = (
    always_computes,
    always_calls,
    sleeps_often,
    sleeps_long,
    holds_the_lock,
    waits_for_the_lock,
    leaves_the_gil,
    mostly_idle,
)


def main() -> None:
    threads = {work.__name__: threading.Thread(target=work, daemon=True) for work in WORK}
    for thread in threads.values():
        thread.start()
    clocks = {name: time.pthread_getcpuclockid(thread.ident) for name, thread in threads.items()}
    begun = {name: time.clock_gettime_ns(its_clock) for name, its_clock in clocks.items()}
    ready()
    for _ in iter(sys.stdin.readline, ""):
        used = {name: time.clock_gettime_ns(its_clock) - begun[name] for name, its_clock in clocks.items()}
        print(json.dumps({"used": {**used, "other": 0}, "units": 0}), flush=True)


main()
