"""Spends CPU in four functions by a known plan and prints what each really used.

Nearly all of it is inside C functions, which a sampler that only sees Python's own instructions
would count wrongly.
"""

import json
import sys
import time
import zlib

import pyrometer

NUMBERS = [hash(str(n)) for n in range(20_000)]
DOCUMENT = json.dumps({str(n): [n, str(n)] for n in range(3_000)})
BYTES = DOCUMENT.encode() * 4
used = dict.fromkeys(["in_python", "in_sorted", "in_json", "in_zlib"], 0)


def in_python():
    total = 0
    for number in range(40_000):
        total += number * number
    return total


def in_sorted():
    ordered = sorted(NUMBERS)
    del ordered  # freed here, not in the caller


def in_json():
    document = json.loads(DOCUMENT)
    del document


def in_zlib():
    return zlib.compress(BYTES)


def spend(function, share, seconds):
    """Calls ``function`` until it has used its share of ``seconds`` of CPU."""
    end = time.thread_time_ns() + int(share * seconds * 1e9)
    start = time.thread_time_ns()
    while time.thread_time_ns() < end:
        function()
    used[function.__name__] += time.thread_time_ns() - start


def main():
    pyrometer.start(service="shares")
    for _ in range(60):
        spend(in_python, 0.21, 0.1)
        spend(in_sorted, 0.42, 0.1)
        spend(in_json, 0.27, 0.1)
        spend(in_zlib, 0.10, 0.1)
    print(json.dumps(used), flush=True)
    sys.stdin.read()


main()
