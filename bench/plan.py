"""How thoroughly a run measures: how often, how long, and whether five real minutes are waited for."""

from __future__ import annotations

from dataclasses import dataclass

QUICK = 0.25  # share of the time that a quick run takes; for trying the method, not for figures


@dataclass(frozen=True)
class Plan:
    rounds: int
    quick: bool
    full: bool
    sampling_rounds: int = 7
    python: str = "3.12"  # of the sampling comparison
    rows: tuple[str, ...] = ()  # of its tables: those whose name contains one of these, all if empty

    def seconds(self, usual: float) -> float:
        return usual * QUICK if self.quick else usual

    def times(self, least: int) -> int:
        """Repetitions of a figure that needs ``least`` of them; fewer only when asked for fewer."""
        return min(self.rounds, least) if self.quick else max(self.rounds, least)
