"""W1: one CPU-bound thread at depth 32, with five kinds of work in known shares.

Each cycle has the same shares in another order, so that no sampler can keep step with it.
"""

from __future__ import annotations

import random

from ledger import Ledger, call, compute, decode, goes_on, order, ready, write

DEPTH = 32
CYCLE_NS = 80_000_000
SHARES = {compute: 0.30, call: 0.25, order: 0.20, decode: 0.15, write: 0.10}


def work(ledger: Ledger) -> None:
    chance = random.Random(1)
    pieces = list(SHARES)
    ready()
    while goes_on(ledger.answer):
        chance.shuffle(pieces)
        for piece in pieces:
            ledger.spend(piece.__name__, piece, SHARES[piece] * CYCLE_NS)


def descend(frames: int, ledger: Ledger) -> None:
    if frames > 0:
        descend(frames - 1, ledger)
    else:
        work(ledger)


# Besides the descent, the stack has the module, work, spend and the piece itself.
descend(DEPTH - 5, Ledger())
