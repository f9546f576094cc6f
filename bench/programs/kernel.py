"""CPU in the kernel: one thread that mostly reads, and computes a little, in known shares."""

from __future__ import annotations

import os

from ledger import Ledger, clock, compute, goes_on, ready

SHARES = {"zeros": 0.45, "randomness": 0.25, "compute": 0.30}
CYCLE_NS = 100_000_000
buffer = bytearray(1 << 20)


def zeros(until: int) -> int:
    units = 0
    with open("/dev/zero", "rb", buffering=0) as file:
        while clock() < until:
            file.readinto(buffer)
            units += 1
    return units


def randomness(until: int) -> int:
    units = 0
    while clock() < until:
        os.urandom(1 << 17)
        units += 1
    return units


def main() -> None:
    ledger = Ledger()
    ready()
    while goes_on(ledger.answer):
        for piece in (zeros, randomness, compute):
            ledger.spend(piece.__name__, piece, SHARES[piece.__name__] * CYCLE_NS)


main()
