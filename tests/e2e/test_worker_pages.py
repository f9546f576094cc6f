"""A worker's own endpoint under gunicorn: the live page, collapsed stacks and a pprof that tools can read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from account import FUNCTIONS, traffic
from stack import Stack, eventually, worker_page

Fields = Iterator[tuple[int, int | bytes]]


@pytest.fixture
def target(stack: Stack) -> Iterator[str]:
    """The socket of a gunicorn worker that is being asked for pages."""
    url = stack.known_shares()
    master = stack.started[-1].pid
    with traffic(url + "/?ms=40"):
        sockets = eventually(
            "four workers and a master", lambda: len(f := list(stack.sockets.glob("*.sock"))) == 5 and f
        )
        yield next(str(path) for path in sockets if not path.name.startswith(f"{master}-"))


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits per byte, lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def fields(data: bytes) -> Fields:
    """Number and content of each field of a protobuf message; a length that does not fit is an error."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        if key & 7 == 0:
            value, place = varint(data, place)
            yield key >> 3, value
        else:
            assert key & 7 == 2, f"wire type {key & 7} is not used by profile.proto"
            length, place = varint(data, place)
            assert place + length <= len(data)
            yield key >> 3, data[place : place + length]
            place += length


def packed(data: int | bytes) -> list[int]:
    """Repeated numbers, packed or one."""
    if isinstance(data, int):
        return [data]
    numbers, place = [], 0
    while place < len(data):
        number, place = varint(data, place)
        numbers.append(number)
    return numbers


def test_the_live_page_names_the_functions(target: str) -> None:
    def page() -> str:
        status, media_type, body = worker_page(target, "/flamegraph?seconds=600")
        assert (status, media_type) == (200, "text/html")
        return body.decode()

    eventually("all four functions are on the page", lambda: all(name in page() for name in FUNCTIONS))
    assert page().lstrip().lower().startswith("<!doctype html>")
    assert 'src="http' not in page()


def test_collapsed_stacks_count_samples_below_the_application(target: str) -> None:
    def stacks() -> dict[str, int]:
        status, media_type, body = worker_page(target, "/collapsed?seconds=600&type=samples")
        assert (status, media_type) == (200, "text/plain")
        return {
            stack: int(count)
            for stack, _, count in (line.rpartition(" ") for line in body.decode().splitlines())
        }

    found = eventually("spend_40 was seen", lambda: {s: c for s, c in stacks().items() if "spend_40" in s})
    assert all(";application;handle;spend_40" in stack for stack in found), found


def test_pprof_can_be_read(target: str) -> None:
    status, _, body = worker_page(target, "/debug/pprof/profile?seconds=3")
    assert status == 200
    message = list(fields(gzip.decompress(body)))

    def of(number: int) -> list:
        return [content for field, content in message if field == number]

    strings = [text.decode() for text in of(6)]
    assert strings[0] == ""
    types = [tuple(strings[index] for _, index in fields(one)) for one in of(1)]
    assert types == [("samples", "count"), ("cpu", "nanoseconds"), ("wall", "nanoseconds")]
    functions = {dict(fields(one))[1]: strings[dict(fields(one))[2]] for one in of(5)}
    assert set(FUNCTIONS) <= set(functions.values())
    locations = {}
    for one in of(4):
        lines = [dict(fields(line)) for number, line in fields(one) if number == 4]
        assert all(line[1] in functions for line in lines)
        locations[dict(fields(one))[1]] = lines
    samples = of(2)
    assert samples
    for one in samples:
        parts = {number: packed(content) for number, content in fields(one)}
        assert set(parts[1]) <= locations.keys()
        assert len(parts[2]) == len(types)
    [cpu] = [sum(packed(dict(fields(one))[2])[1] for one in samples)]
    assert 0 < cpu < 3 * 4_000_000_000


def test_bad_requests_are_refused_and_the_worker_lives(target: str) -> None:
    for page, expected in [("/nothing", 404), ("/flamegraph?seconds=x", 400), ("/collapsed?type=heat", 400),
                           ("/debug/pprof/profile?seconds=0", 400), ("/feed?since=-1", 400)]:  # fmt: skip
        assert worker_page(target, page)[0] == expected, page
    assert worker_page(target, "/stats")[0] == 200
