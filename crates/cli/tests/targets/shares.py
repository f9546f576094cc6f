"""Spends CPU in four functions by a known plan and writes what each really used to a file.

Nearly all of it is inside C functions. Each frees what it made before it returns, and the cyclic
collector is off, so that no work is done in the caller: since 3.12 it runs when the caller's loop
turns.
"""

import gc
import json
import sys
import time
import zlib

NUMBERS = [hash(str(n)) for n in range(20_000)]
DOCUMENT = json.dumps({str(n): [n, str(n)] for n in range(3_000)})
BYTES = DOCUMENT.encode() * 4
used = dict.fromkeys(["in_python", "in_sorted", "in_json", "in_zlib"], 0)
gc.disable()


def in_python():
    total = 0
    for number in range(40_000):
        total += number * number
    return total


def in_sorted():
    ordered = sorted(NUMBERS)
    del ordered


def in_json():
    document = json.loads(DOCUMENT)
    del document


def in_zlib():
    compressed = zlib.compress(BYTES)
    del compressed


def spend(function, share, seconds):
    start = time.thread_time_ns()
    end = start + int(share * seconds * 1e9)
    while time.thread_time_ns() < end:
        function()
    used[function.__name__] += time.thread_time_ns() - start


for _ in range(int(sys.argv[2])):
    spend(in_python, 0.21, 0.1)
    spend(in_sorted, 0.42, 0.1)
    spend(in_json, 0.27, 0.1)
    spend(in_zlib, 0.10, 0.1)
with open(sys.argv[1], "w") as file:
    json.dump(used, file)
print("standard output is the command's")
