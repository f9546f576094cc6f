"""Two intervals with different load show different flamegraphs, and add up exactly to the whole."""

from __future__ import annotations

import math
import time
from collections import Counter

from account import FUNCTIONS, assert_shares, busy_samples, observed, settle, traffic, truth
from stack import CPU, SAMPLES, WALL, Stack, eventually

PROCESSES = 5
WINDOW_SECONDS = 10
RATE_HZ = 500
# At the worst share, one half, the standard error is 0.91 points: 3 points are 3.3 of them, a false alarm
# about once in 1,000 runs.
ENOUGH_SAMPLES = 3_000


def load_until_seen(stack: Stack, url: str, start: float) -> float:
    """Puts load on until it is seen in enough samples; a time after it when no window is open any more."""
    with traffic(url):
        eventually(
            "enough samples of the load",
            lambda: busy_samples(observed(stack, from_=start, until="now"), RATE_HZ) > ENOUGH_SAMPLES,
        )
    boundary = (math.floor(time.time() / WINDOW_SECONDS) + 1) * WINDOW_SECONDS
    eventually("the window with the last request is over", lambda: time.time() > boundary)
    settle(stack, PROCESSES, since=boundary - 1)
    return boundary


def by_function(stack: Stack, profile_type: str, start: float, end: float) -> Counter:
    table = stack.get("table", type=profile_type, from_=start, until=end)
    counts: Counter = Counter()
    for row in table["functions"]:
        name = (row["name"], row["file"], row["line"])
        counts[(*name, "self")] += row["self"]
        counts[(*name, "total")] += row["total"]
    counts["samples"] = table["samples"]
    counts["total"] = table["total"]
    return counts


def test_two_intervals_differ_and_make_the_whole(stack: Stack) -> None:
    stack.environment["PYROMETER_BUDGET"] = "1"
    stack.serve("--poll-interval", "1")
    start = time.time() - 1
    url = stack.known_shares(run=("--rate", str(RATE_HZ)))

    middle = load_until_seen(stack, url + "/?ms=10&spend_10=40", start)
    first = truth(stack)
    end = load_until_seen(stack, url + "/?ms=10&spend_40=40", middle)
    second = {name: value - first[name] for name, value in truth(stack).items()}

    for expected, interval in [(first, (start, middle)), (second, (middle, end))]:
        from_, until = interval
        found = observed(stack, from_=from_, until=until)
        assert_shares(found, expected, busy_samples(found, RATE_HZ))
        widest = max(FUNCTIONS, key=lambda name: found[name])
        assert widest == ("spend_10" if interval == (start, middle) else "spend_40")

    for profile_type in (CPU, WALL, SAMPLES):
        parts = [stack.get("flamegraph", type=profile_type, from_=a, until=b)
                 for a, b in [(start, middle), (middle, end), (start, end)]]  # fmt: skip
        one, other, whole = parts
        assert one["total"] + other["total"] == whole["total"] > 0
        assert one["samples"] + other["samples"] == whole["samples"] > 0
        assert [part["gaps"] for part in parts] == [[], [], []]
        one_by_one = by_function(stack, profile_type, start, middle) + by_function(
            stack, profile_type, middle, end
        )
        # A Counter's sum drops what is zero, so it is dropped on both sides.
        assert one_by_one == +by_function(stack, profile_type, start, end)
