"""What the sampling workloads share: known pieces of work, and a ledger of the CPU each really used.

A piece of work runs until a moment of its thread's own CPU clock, so what the ledger holds is exact to
the length of one unit of work. It speaks with whoever started the program by lines: one when it is
ready, then one answer per line on stdin, until stdin closes. After the answer to ``hold`` it does nothing
more, so that the profile of a profiler inside ends where the answer does. It knows no profiler.
"""

from __future__ import annotations

import json
import select
import sys
import threading
import time
import zlib

clock = time.thread_time_ns
NUMBERS = [hash(str(n)) for n in range(2_000)]
BYTES = json.dumps({str(n): [n, str(n)] for n in range(200)}).encode()
WORDS = ["steel", "knife", "board", "spoon"] * 20


def compute(until: int) -> int:
    """Only Python's own instructions."""
    units = 0
    while clock() < until:
        total = 0
        for number in range(1_500):
            total += number * number
        units += 1
    return units


def call(until: int) -> int:
    """Mostly calls: the stack changes all the time."""
    units = 0
    while clock() < until:
        fibonacci(10)
        units += 1
    return units


def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def order(until: int) -> int:
    """Mostly one long C function."""
    units = 0
    while clock() < until:
        sorted(NUMBERS)
        units += 1
    return units


def decode(until: int) -> int:
    """C functions of a library."""
    units = 0
    while clock() < until:
        zlib.crc32(zlib.decompress(zlib.compress(BYTES, 1)))
        units += 1
    return units


def write(until: int) -> int:
    """Short Python lines with short C calls."""
    units = 0
    while clock() < until:
        for word in WORDS:
            word.upper().center(20).strip().replace("E", "e")
        units += 1
    return units


class Ledger:
    """CPU nanoseconds by path, a text of function names with ``;`` between them."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self.units = 0
        self.begun = clock()

    def spend(self, path: str, piece, nanoseconds: float) -> None:
        start = clock()
        self.units += piece(start + int(nanoseconds))
        self.used[path] = self.used.get(path, 0) + clock() - start

    def answer(self) -> dict:
        """All of the calling thread's CPU since the ledger began; what no path used is ``other``."""
        other = clock() - self.begun - sum(self.used.values())
        return {"used": {**self.used, "other": other}, "units": self.units}


def ready(**more: object) -> None:
    """Says that the program runs, and which OS threads are its own."""
    threads = [thread.native_id for thread in threading.enumerate()]
    print(json.dumps({"threads": threads, **more}), flush=True)


def goes_on(answer) -> bool:
    """Answers if asked; false once stdin is closed. Told to hold, waits until it is."""
    while select.select([sys.stdin], [], [], 0)[0]:
        line = sys.stdin.readline()
        if not line:
            return False
        print(json.dumps(answer()), flush=True)
        if line == "hold\n":
            sys.stdin.read()
            return False
    return True
