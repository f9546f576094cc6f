"""``make bench``: measures the figures that README speaks of, on this machine, and prints one table.

Figures of time are taken one after the other and, where two things are compared, in alternating
order within one run. Nothing is estimated: what cannot be measured here is named with the reason. A run
takes about an hour, most of it the sampling comparison, and five minutes more with ``--full``. The exit code is 0 also when a goal is missed:
on a noisy machine that says little, and the table says it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from measure import Figure, NotMeasured, machine
from plan import Plan

# In the order in which they run and are printed.
GROUPS = ("overhead", "slowdown", "calls", "memory", "feed", "flamegraph", "web", "sampling")
# Those that measure bytes and no time: they may run beside one another.
BYTES = ("memory", "feed", "web")
DEFAULT_ROUNDS = 5


def say(text: str = "") -> None:
    print(text, flush=True)


def number(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:.{digits}f}"


def print_table(title: str, figures: list[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    say(f"\n{title}")
    say(f"{'figure':{width}}  {'goal':>8}  {'median':>8}  {'[min – max]':>19}  {'n':>3}  unit")
    for figure in figures:
        head = f"{figure.name:{width}}  {number(figure.goal):>8}"
        if figure.values:
            spread = f"[{number(min(figure.values))} – {number(max(figure.values))}]"
            body = f"{number(figure.median):>8}  {spread:>19}  {len(figure.values):>3}  {figure.unit:<12} {figure.verdict}"
        else:
            body = f"not measured: {figure.reason}"
        say(f"{head}  {body}".rstrip())
        if figure.note:
            say(f"{'':{width}}  {figure.note}")


def print_machine(facts: dict) -> None:
    load = " ".join(f"{value:.2f}" for value in facts["load_average"])
    say(
        f"{facts['cpu']} · {facts['cores']} cores · Linux {facts['kernel']} · Python {facts['python']} · load {load}"
    )
    for reason in facts["noise"]:
        say(f"warning: this machine is noisy: {reason}; small figures are not to be trusted")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=DEFAULT_ROUNDS, help="repetitions of each figure; some need more"
    )
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="NAME", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything measured there")
    parser.add_argument(
        "--quick", action="store_true", help="short and few: tries the method, gives no figures"
    )
    parser.add_argument(
        "--full", action="store_true", help="collect five real minutes before asking for them"
    )
    sampling = parser.add_argument_group("the sampling comparison")
    sampling.add_argument(
        "--sampling-rounds", type=int, default=Plan.sampling_rounds, help="repetitions there"
    )
    sampling.add_argument(
        "--python", default=Plan.python, help="version of the profiled programs, 3.9 to 3.13"
    )
    sampling.add_argument(
        "--rows", nargs="+", default=[], metavar="WORD", help="only lines with one of these in their name"
    )
    options = parser.parse_args()
    if min(options.rounds, options.sampling_rounds) < 1:
        parser.error("rounds are a number from 1")
    return options


def measured(plan: Plan, wanted: list[str]) -> dict[str, list[Figure]]:
    """The figures of each group: those of time one after the other, then those of bytes together."""
    times = [group for group in wanted if group not in BYTES]
    tables = {group: measured_group(plan, group) for group in times}
    with ThreadPoolExecutor() as pool:
        together = [group for group in wanted if group in BYTES]
        tables |= zip(together, pool.map(lambda group: measured_group(plan, group), together))
    return tables


def measured_group(plan: Plan, group: str) -> list[Figure]:
    start = time.monotonic()
    try:
        figures = importlib.import_module(f"figures.{group}").measure(plan)
    except (NotMeasured, OSError, subprocess.SubprocessError) as error:
        figures = [Figure(group, "", None, reason=str(error))]
    say(f"· {group:12}{time.monotonic() - start:5.0f} s")
    return figures


def main() -> int:
    options = arguments()
    # So that every block of a started process is left in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A shell that puts us in the background has it ignored, and profilers that we end by it would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    plan = Plan(
        options.rounds,
        options.quick,
        options.full,
        options.sampling_rounds,
        options.python,
        tuple(options.rows),
    )
    facts = machine()
    print_machine(facts)
    if plan.quick:
        say("warning: --quick: intervals are too short for figures that anybody should quote")
    wanted = [group for group in GROUPS if not options.only or group in options.only]
    start = time.monotonic()
    tables = measured(plan, wanted)
    peers = tables.pop("sampling", [])
    figures = [figure for group in wanted for figure in tables.get(group, [])]
    if figures:
        print_table("Figures (a goal is at most)", figures)
    say(f"\n{time.monotonic() - start:.0f} s in all")
    if options.json:
        result = {"machine": facts, **asdict(plan)}
        result |= {"figures": [f.as_json() for f in figures], "sampling": [f.as_json() for f in peers]}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
