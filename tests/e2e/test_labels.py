"""Labels of a program select what ran under them, in threads, tasks, pools and generators."""

from __future__ import annotations

import json
from pathlib import Path

from stack import BIN, CPU, PYROMETER, Stack, eventually

SECONDS = 12
RATE_HZ = 250
POINTS = 3


def test_labels_have_the_cpu_that_ran_under_them(stack: Stack) -> None:
    stack.environment["PYROMETER_BUDGET"] = "1"
    stack.serve("--poll-interval", "1")
    program = Path(__file__).with_name("labelled_program.py")
    run = [PYROMETER, "run", "--service", "labelled", "--rate", RATE_HZ, "--"]
    process = stack.start("program", [*run, BIN / "python", program, SECONDS])
    expected = json.loads(process.said(r"(\{.*\})"))
    whole = sum(expected.values())

    def total(selector: str) -> int:
        query = f'{{service="labelled"{selector}}}'
        return stack.get("table", query=query, type=CPU, from_="now-1h")["total"]

    eventually("all of it is stored", lambda: total("") > 0.95 * whole)
    found = {part: total(f',part="{part}"') for part in expected if part != "none"}
    found["none"] = total(',part=""')
    assert total(',kind="outer"') == found["thread"] + found["inner"]
    shares = {part: round(100 * value / sum(found.values()), 2) for part, value in found.items()}
    truths = {part: round(100 * value / whole, 2) for part, value in expected.items()}
    print(f"shares {shares}, truth {truths}")
    assert shares.keys() == truths.keys()
    # Without a label there is the start of the interpreter, too.
    for part in shares.keys() - {"none"}:
        assert abs(shares[part] - truths[part]) < POINTS, f"{part}: {shares}, truth {truths}"
    listed = {value["value"] for value in stack.get("labels/part/values")["values"]}
    assert listed >= found.keys() - {"none"}
