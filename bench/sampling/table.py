"""The tables of the sampling comparison: columns with goals, medians, and whether a goal is met.

A figure that was not measured is a dash in the table, and its reason stands below. Nothing is filled in.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from measure import Figure

from . import inside, outside
from .observe import POINTS
from .rounds import Cell, Row, Run

# Less than this is nothing: the kernel updates the clock of a running thread every few milliseconds.
NOTHING_PERCENT = 0.1
DASH = "–"
# Kinds that mean something only beside the program without a profiler: the median of that is given.
RELATIVE: dict[str, Callable[[float, float], float]] = {
    "stopped_percent": lambda value, plain: max(0.0, value - plain),
    "speed": lambda value, plain: 100 * (plain / value - 1),
    "rss_mib": lambda value, plain: value - plain,
}
# A total variation distance of the mean shares of all rounds: what chance does to one round is mostly gone.
ALL_ROUNDS = "points"
PLAIN_KINDS = ("stopped_percent", "rss_mib")


@dataclass(frozen=True)
class Column:
    """A kind of value of one run; goals are upper bounds for our agent and for our recorder."""

    head: str
    run: Run
    kind: str
    unit: str
    inside: float | None = None
    outside: float | None = None


COST = (
    Column("W1 100", ("W1", 100), "us_per_tick", "µs/tick", 30, 40),
    Column("W1 1000", ("W1", 1000), "us_per_tick", "µs/tick", 10, 15),
    Column("W2 100", ("W2", 100), "us_per_tick", "µs/tick", 40, 40),
    Column("W4 CPU", ("W4", 100), "share_percent", "%", 0.3, 0.3),
    Column("RSS", ("W1", 100), "rss_mib", "MiB", 5, 4),
    Column("stopped", ("W1", 1000), "stopped_percent", "%", NOTHING_PERCENT, NOTHING_PERCENT),
    Column("slowed", ("W1", 1000), "speed", "%"),
    Column("calls W1", ("W1", 1000), "system_calls_per_tick", "per tick", None, 3),
    Column("calls W2", ("W2", 100), "system_calls_per_tick", "per tick", None, 6),
)
TRUTH = (
    Column("W1 TVD", ("W1", 1000), "tvd_percent", "%", 1, 1),
    Column("W1 all", ("W1", 1000), ALL_ROUNDS, "%"),
    Column("W2 TVD", ("W2", 100), "tvd_percent", "%", 0.5, 0.5),
    Column("W3 TVD", ("W3", 1000), "tvd_percent", "%", 1.5, 1.5),
    Column("W3 all", ("W3", 1000), ALL_ROUNDS, "%"),
    Column("W3 func", ("W3", 1000), "tvd_functions_percent", "%"),
    Column("W5 TVD", ("W5", 1000), "tvd_percent", "%", 2, 2),
    Column("W5 all", ("W5", 1000), ALL_ROUNDS, "%"),
    Column("W5 func", ("W5", 1000), "tvd_functions_percent", "%"),
    Column("W4 TVD", ("W4", 100), "tvd_percent", "%"),
    Column("mix", ("mix", 1000), "worst_points", "points", 2, 2),
    Column("kernel", ("kernel", 1000), "worst_points", "points", 2, 2),
)
VERSIONS = tuple(
    column
    for column in (*COST, *TRUTH)
    if column.head in ("W1 100", "W1 1000", "W1 TVD", "W1 all", "W3 TVD", "W3 all")
)


def figures(rows: list[Row], columns: tuple[Column, ...]) -> dict[tuple[str, str], Figure]:
    """A figure for every row and column that belong together."""
    nobody = next((row for row in rows if row.profiler is inside.NOBODY), None)
    found = {}
    for row in rows:
        for column in columns:
            if column.run in row.cells and (row is not nobody or column.kind in PLAIN_KINDS):
                figure = Figure(f"{row.name}, {column.head}", column.unit, goal(row, column))
                fill(figure, row, nobody, column)
                found[row.name, column.head] = figure
    return found


def goal(row: Row, column: Column) -> float | None:
    if row.profiler is inside.OURS:
        return column.inside
    return column.outside if row.profiler is outside.OURS else None


def fill(figure: Figure, row: Row, nobody: Row | None, column: Column) -> None:
    """The values of a figure, or why there are none."""
    cell = row.cells[column.run]
    if cell.failures and (cell.given_up or not cell.values):
        figure.reason = cell.failures[-1]
        return
    if cell.failures:
        figure.note = f"{len(cell.failures)} run failed: {cell.failures[-1]}"
    if column.kind == ALL_ROUNDS:
        figure.values = [distance_of_means(cell)]
        return
    raw = [values[column.kind] for values in cell.values if column.kind in values]
    # Memory of an outside profiler is its own.
    own = row is nobody or (column.kind == "rss_mib" and not is_inside(row))
    if not raw:
        figure.reason = "it makes none of its own" if is_inside(row) else "perf counts no system calls here"
    elif own or column.kind not in RELATIVE:
        figure.values = raw
    elif (plain := plain_median(nobody, column)) is None:
        figure.reason = "the program without a profiler was not measured"
    else:
        figure.values = [RELATIVE[column.kind](value, plain) for value in raw]


def distance_of_means(cell: Cell) -> float:
    paths = {name for values in cell.values for name in values if name.startswith(POINTS)}
    means = (statistics.mean(values.get(path, 0.0) for values in cell.values) for path in paths)
    return sum(map(abs, means)) / 2


def is_inside(row: Row) -> bool:
    return not isinstance(row.profiler, outside.Outside)


def plain_median(nobody: Row | None, column: Column) -> float | None:
    if nobody is None:
        return None
    raw = [values[column.kind] for values in nobody.cells[column.run].values if column.kind in values]
    return statistics.median(raw) if raw else None


def text(figure: Figure | None) -> str:
    if figure is None or figure.median is None:
        return DASH
    return number(figure.median)


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines(rows: list[Row], columns: tuple[Column, ...], found: dict[tuple[str, str], Figure]) -> list[str]:
    """The table as text, goals last."""
    body = [[row.name, *(text(found.get((row.name, column.head))) for column in columns)] for row in rows]
    goals = [
        [name, *(DASH if bound is None else f"≤ {bound:g}" for bound in bounds)]
        for name, bounds in (
            ("goal, inside", [column.inside for column in columns]),
            ("goal, outside", [column.outside for column in columns]),
        )
    ]
    if not any(row.profiler is outside.OURS for row in rows):
        goals.pop()
    table = [
        ["", *(column.head for column in columns)],
        ["", *(column.unit for column in columns)],
        *body,
        *goals,
    ]
    widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    return [
        line[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:]))
        for line in table
    ]


def verdicts(found: dict[tuple[str, str], Figure]) -> list[str]:
    """Each figure that has a goal, and how it stands to it."""
    told = []
    for figure in found.values():
        if figure.goal is None or figure.median is None:
            continue
        verdict = "met" if figure.median <= figure.goal else "MISSED"
        spread = f"[{number(min(figure.values))} – {number(max(figure.values))}], n {len(figure.values)}"
        told.append(
            f"{verdict:6}  {figure.name}: {number(figure.median)} {figure.unit}, goal ≤ {figure.goal:g}  {spread}"
        )
    return told


def gaps(found: dict[tuple[str, str], Figure]) -> list[str]:
    """Why there are dashes, once per row and reason, and which runs failed."""
    told: dict[str, list[str]] = {}
    for (row, head), figure in found.items():
        if figure.median is None:
            told.setdefault(f"not measured: {row}: {figure.reason}", []).append(head)
        elif figure.note:
            told.setdefault(f"{row}: {figure.note}", []).append(head)
    return [f"{what} ({', '.join(heads)})" for what, heads in told.items()]
