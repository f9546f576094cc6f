"""Reads as much of pprof as a comparison needs: values by stack of function names.

A peer pushes its profiles in this format. The messages are protobuf (github.com/google/pprof,
proto/profile.proto), of which only varints and length-delimited fields occur here.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator

GZIP_MAGIC = b"\x1f\x8b"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def unzipped(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(GZIP_MAGIC) else body


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = varint(message, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, message[at : at + length]
        at += length


def numbers(message: bytes, wanted: int) -> list[int]:
    """A repeated number, packed or not."""
    found = []
    for number, value in fields(message):
        if number != wanted:
            continue
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            found.append(one)
    return found


def values_by_stack(body: bytes, wanted: str | None = None) -> Counter[tuple[str, ...]]:
    """Values of each stack of a profile, names leaf first: of the sample type wanted, else the first."""
    of = {number: [] for number in (1, 2, 4, 5, 6)}
    for number, value in fields(unzipped(body)):
        if number in of:
            of[number].append(value)
    texts = [text.decode() for text in of[6]]
    types = [texts[numbers(kind, 1)[0]] for kind in of[1]]
    column = types.index(wanted) if wanted else 0
    names = {numbers(function, 1)[0]: texts[numbers(function, 2)[0]] for function in of[5]}
    locations = {}
    for location in of[4]:
        lines = [value for number, value in fields(location) if number == 4]
        locations[numbers(location, 1)[0]] = [names[numbers(line, 1)[0]] for line in lines]
    found: Counter[tuple[str, ...]] = Counter()
    for sample in of[2]:
        stack = tuple(name for location in numbers(sample, 1) for name in locations[location])
        found[stack] += numbers(sample, 2)[column]
    return found


def pushed_profiles(body: bytes) -> Iterator[bytes]:
    """The profiles within a push request: series (1) have samples (2) that have a profile (1)."""
    for number, series in fields(unzipped(body)):
        if number == 1:
            for inner, sample in fields(series):
                if inner == 2:
                    yield from (profile for field, profile in fields(sample) if field == 1)
