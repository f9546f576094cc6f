"""The sampling comparison: profilers side by side on workloads with known truth, and ours on all Pythons.

What is done is in ``bench/sampling``; here it is run and put into tables.
"""

from __future__ import annotations

from measure import Figure
from plan import Plan
from sampling import inside, rounds, table

QUICK_ROUNDS = 1


def measure(plan: Plan) -> list[Figure]:
    compared, versions = rounds.side_by_side(plan.python), rounds.all_versions()
    rows = [row for row in (*compared, *versions) if is_wanted(row, plan)]
    rounds.measure(rows, plan.python, QUICK_ROUNDS if plan.quick else plan.sampling_rounds, plan.quick)
    found = []
    peers = f"side by side on Python {plan.python} (Tachyon on its own)"
    for title, some, columns in (
        (f"Sampling, cost: {peers}", compared, table.COST),
        (f"Sampling, truth: {peers}", compared, table.TRUTH),
        ("Sampling: our agent on every Python", versions, table.VERSIONS),
    ):
        wanted = [row for row in some if row in rows]
        if wanted:
            figures = table.figures(wanted, columns)
            show(title, wanted, columns, figures)
            found += figures.values()
    return found


def is_wanted(row: rounds.Row, plan: Plan) -> bool:
    """The program without a profiler always is: others are compared with it."""
    named = any(word in row.name for word in plan.rows)
    return named or not plan.rows or row.profiler is inside.NOBODY


def show(title: str, rows: list[rounds.Row], columns: tuple[table.Column, ...], figures: dict) -> None:
    print(f"\n{title}; medians", *table.lines(rows, columns, figures), sep="\n")
    for line in (*table.verdicts(figures), *table.gaps(figures)):
        print(f"  {line}")
    print(flush=True)
