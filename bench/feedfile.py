"""Reads our window feed (crates/formats/src/feed.rs): an answer of a worker, or the file it leaves at its end.

Tables come whole or from an entry on, for a reader that has what is before. Checks that all was read, so
that a change of the format shows as such and not as odd figures.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field

from measure import NotMeasured

MAGIC = b"PYRF\x01"
HEAD_BYTES = 13
HEALTH_NUMBERS = 8
SAMPLER = 1  # the kind of block that holds what the sampler saw
COLUMNS = {SAMPLER: 3, 2: 1}  # numbers per stack, by kind
CPU_COLUMN = 2
QUANTUM_NS = 100_000  # unit of the CPU column


class Reader:
    """Takes values off the front of a payload."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.payload[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def varints(self, count: int) -> list[int]:
        return [self.varint() for _ in range(count)]

    def text(self) -> str:
        length = self.varint()
        self.at += length
        return self.payload[self.at - length : self.at].decode(errors="replace")

    def labels(self) -> None:
        for _ in range(2 * self.varint()):
            self.text()


@dataclass
class Tables:
    """Functions and stacks of one generation, from an entry on."""

    number: int
    functions_from: int
    functions: list[str]
    stacks_from: int
    stacks: list[tuple[int, int]]  # parent and function

    @property
    def have(self) -> str:
        """What a collector that has read this says on its next request."""
        functions = self.functions_from + len(self.functions)
        return f"{self.number}:{functions}:{self.stacks_from + len(self.stacks)}"

    def names(self, stack: int) -> tuple[str, ...]:
        """Of a stack, root first. The tables must be whole."""
        found = []
        while stack:
            stack, function = self.stacks[stack - self.stacks_from]
            found.append(self.functions[function])
        return tuple(reversed(found))


@dataclass
class Block:
    kind: int
    stacks: list[int]
    columns: list[list[int]]


@dataclass
class Feed:
    newest: int
    tables: dict[int, Tables]
    windows: list[tuple[int, list[Block]]] = field(default_factory=list)  # generation and blocks

    def cpu_by_stack(self) -> Counter[tuple[str, ...]]:
        """Nanoseconds of CPU in all windows, function names root first."""
        found: Counter[tuple[str, ...]] = Counter()
        for generation, blocks in self.windows:
            for block in blocks:
                if block.kind == SAMPLER:
                    for stack, quanta in zip(block.stacks, block.columns[CPU_COLUMN]):
                        found[self.tables[generation].names(stack)] += quanta * QUANTUM_NS
        return found


def decode(body: bytes) -> Feed:
    if not body.startswith(MAGIC):
        raise NotMeasured("the answer is not a feed of version 1")
    reader = Reader(zlib.decompress(body[HEAD_BYTES:], wbits=-15))
    reader.text(), reader.varint(), reader.text(), reader.text(), reader.text()
    reader.labels()
    _started, _rate, _oldest, newest = reader.varints(4)
    try:
        tables = {one.number: one for one in (read_tables(reader) for _ in range(reader.varint()))}
        windows = [read_window(reader) for _ in range(reader.varint())]
    except (IndexError, KeyError):
        reader.at = -1
    if reader.at != len(reader.payload):
        raise NotMeasured("the feed is not laid out as this decoder knows it; see crates/formats/src/feed.rs")
    return Feed(newest, tables, windows)


def read_tables(reader: Reader) -> Tables:
    number, functions_from = reader.varints(2)
    for _file in range(reader.varint()):
        reader.text()
    functions = []
    for _ in range(reader.varint()):
        functions.append(reader.text())
        reader.varints(2)
    stacks_from, count = reader.varints(2)
    stacks = []
    for stack in range(stacks_from, stacks_from + count):
        back, function, _line = reader.varints(3)
        stacks.append((stack - back, function))
    return Tables(number, functions_from, functions, stacks_from, stacks)


def read_window(reader: Reader) -> tuple[int, list[Block]]:
    _number, _start, _length, generation = reader.varints(4)
    reader.varints(HEALTH_NUMBERS)
    return generation, [read_block(reader) for _ in range(reader.varint())]


def read_block(reader: Reader) -> Block:
    kind = reader.byte()
    reader.labels()
    count = reader.varint()
    stacks, last = [], 0
    for delta in reader.varints(count):
        last += delta
        stacks.append(last)
    return Block(kind, stacks, [reader.varints(count) for _ in range(COLUMNS[kind])])
