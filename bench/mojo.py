"""Reads as much of MOJO, the format of austin's files, as a comparison needs: values by stack.

A stream of events, each one byte and its fields; numbers are of variable length, texts end with a zero.
Functions and frames are defined once per process and referred to by key. The format is documented with
austin (doc/mojo.md of its repository); this reads version 3. It trusts nothing to be there: a file that
ends in the middle of an event, as when a tool is interrupted, gives what came before.
"""

from __future__ import annotations

from collections import Counter

METADATA, STACK, FRAME, FRAME_INVALID, FRAME_REF, FRAME_KERNEL, GC, IDLE = range(1, 9)
TIME, MEMORY, TEXT, TEXT_REF = range(9, 13)
VERSION = 3


class Reader:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.body[self.at - 1]

    def number(self) -> int:
        """Six bits and a sign in the first byte, seven in each that follows, lowest first."""
        byte = self.byte()
        value, shift, negative = byte & 0x3F, 6, byte & 0x40
        while byte & 0x80:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
        return -value if negative else value

    def text(self) -> str:
        end = self.body.find(0, self.at)
        if end < 0:
            raise IndexError("the file ends within a text")
        found = self.body[self.at : end].decode(errors="replace")
        self.at = end + 1
        return found


def values_by_stack(body: bytes) -> Counter[tuple[str, ...]]:
    """Microseconds of each stack, function names root first."""
    if body[:3] != b"MOJ" or body[3] != VERSION:
        raise ValueError("not a MOJO file of version 3")
    reader = Reader(body)
    reader.at = 4
    found: Counter[tuple[str, ...]] = Counter()
    try:
        read_events(reader, found)
    except IndexError:
        pass  # it ends in the middle of an event
    return found


def read_events(reader: Reader, found: Counter[tuple[str, ...]]) -> None:
    texts: dict[tuple[int, int], str] = {}
    frames: dict[tuple[int, int], int] = {}
    process, stack = 0, []
    while reader.at < len(reader.body):
        event = reader.byte()
        if event == METADATA:
            reader.text(), reader.text()
        elif event == STACK:
            process, stack = reader.number(), []
            reader.number(), reader.text()
        elif event == FRAME:
            key, _file, scope = reader.number(), reader.number(), reader.number()
            for _position in range(4):
                reader.number()
            frames[process, key] = scope
        elif event == FRAME_REF:
            scope = frames[process, reader.number()]
            stack.append(texts.get((process, scope), "?"))
        elif event == FRAME_KERNEL:
            reader.text()
        elif event == TIME:
            found[tuple(stack)] += reader.number()
        elif event == MEMORY:
            reader.number()
        elif event == TEXT:
            key = reader.number()
            texts[process, key] = reader.text()
        elif event == TEXT_REF:
            reader.number()
        elif event not in (FRAME_INVALID, GC, IDLE):
            raise ValueError(f"event {event}")
