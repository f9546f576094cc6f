"""A full disk pauses collecting, visibly; with room again, everything that the workers kept is stored."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from account import settle, traffic
from stack import Stack, eventually

PROCESSES = 5


@pytest.fixture
def small_disk(stack: Stack) -> Iterator[Path]:
    """A file system of 3 MiB where `serve` will have its data."""
    data = stack.folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "pyrometer-e2e", data]
    tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a FULL DISK IS NOT TESTED: mounting needs root: {tried.stderr.strip()}")
    yield data
    stack.stop()
    subprocess.run(["umount", data], check=True)


def fill(disk: Path) -> None:
    """Writes until nothing more fits."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            return


def test_collecting_pauses_and_goes_on(stack: Stack, small_disk: Path) -> None:
    serve = stack.serve("--poll-interval", "1")
    url = stack.known_shares()

    def collector() -> dict:
        return stack.get("workers")["collector"]

    with traffic(url + "/?ms=10", visitors=3) as requests:
        settle(stack, PROCESSES)
        before = {worker["id"]: worker["windows"] for worker in stack.workers()}
        fill(small_disk)

        paused = eventually("collecting is paused", lambda: (now := collector())["state"] == "paused" and now)
        assert paused["reason"]
        assert paused["hint"]
        # What is stored can be asked for all the while.
        assert stack.get("table", from_="now-1h")["samples"] > 0
        assert serve.exit_code() is None

        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        eventually("collecting goes on", lambda: collector()["state"] == "collecting")
        assert collector() == {"state": "collecting", "reason": None, "hint": None}
    assert requests.failed == 0
    after = {worker["id"]: worker["windows"] for worker in settle(stack, PROCESSES)}
    assert after.keys() == before.keys()
    assert all(after[worker] > before[worker] for worker in before)
    assert stack.get("workers")["collected"] == 1
