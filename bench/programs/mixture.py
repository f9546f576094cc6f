"""Four functions and the shares of CPU that they are to have. Most of it is spent inside C functions."""

from __future__ import annotations

import json
import zlib

NUMBERS = [hash(str(n)) for n in range(20_000)]
DOCUMENT = json.dumps({str(n): [n, str(n)] for n in range(3_000)})
BYTES = DOCUMENT.encode() * 4


def in_python() -> None:
    total = 0
    for number in range(40_000):
        total += number * number


def in_sorted() -> None:
    ordered = sorted(NUMBERS)
    del ordered  # freed here, not in the caller


def in_json() -> None:
    document = json.loads(DOCUMENT)
    del document


def in_zlib() -> None:
    zlib.compress(BYTES)


PLAN = {in_python: 0.21, in_sorted: 0.42, in_json: 0.27, in_zlib: 0.10}
