"""Shares of CPU agree with the truth, with processes, with threads, and on every profiled Python.

Statistics: a run has at least 8,000 busy samples (16 s of CPU at 500 Hz) in the four functions. The standard
error of a share p is sqrt(p (1 - p) / n), 0.55 points at the worst (p = 0.4), so 3 points are 5.5 standard
errors. A busy machine takes fewer ticks than asked for and samples come in runs, which may double the error:
a false alarm about once in 150 runs there, practically never on an idle one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from account import assert_shares, busy_samples, observed, settle, traffic, truth
from stack import BIN, KNOWN_SHARES, Stack, eventually

RATE_HZ = 500
ENOUGH_SAMPLES = 8_000
REQUEST = "/?ms=40"
# The master is a process of the service, too.
PROCESSES = 5


def check_shares(stack: Stack, gunicorn: list[str], binaries: Path = BIN) -> None:
    stack.environment["PYROMETER_BUDGET"] = "1"
    stack.serve("--poll-interval", "1")
    url = stack.known_shares(*gunicorn, run=("--rate", str(RATE_HZ)), binaries=binaries)

    def samples() -> int:
        return busy_samples(observed(stack), RATE_HZ)

    with traffic(url + REQUEST) as requests:
        eventually("enough samples are stored", lambda: samples() >= ENOUGH_SAMPLES)
    assert requests.failed == 0
    settle(stack, PROCESSES)
    expected, found = truth(stack), observed(stack)
    assert_shares(found, expected, samples())
    # Not only the shares: all the CPU that was spent was seen, within what a tick may cut off.
    assert 0.97 < sum(found.values()) / sum(expected.values()) < 1.03


@pytest.mark.parametrize("worker_class", ["sync", "gthread"])
def test_shares_are_the_truth(stack: Stack, worker_class: str) -> None:
    threads = ["--threads", "4"] if worker_class == "gthread" else []
    check_shares(stack, ["--worker-class", worker_class, *threads])


@pytest.mark.parametrize("minor", ["3.12", "3.13"])
def test_an_application_of_another_environment_and_python(
    stack: Stack, minor: str, python_of: Callable, environment_of: Callable
) -> None:
    requirements = ["-r", str(KNOWN_SHARES / "requirements.txt")]
    binaries = environment_of(minor, python_of(minor), requirements)
    check_shares(stack, [], binaries)
    assert {worker["python"].rpartition(".")[0] for worker in stack.workers()} == {minor}
