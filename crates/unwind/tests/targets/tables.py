"""Prints, as READY, the address of many code objects and the lines that co_lines() gives them."""

import argparse
import dis
import inspect
import json
import json.decoder
import textwrap
import time
import types


def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def lines(code):
    """Runs of code units and their line, 0 for none."""
    if hasattr(code, "co_lines"):
        return [[start // 2, end // 2, line or 0] for start, end, line in code.co_lines()]
    starts = list(dis.findlinestarts(code))  # 3.9
    ends = [start for start, _ in starts[1:]] + [len(code.co_code)]
    return [[start // 2, end // 2, line] for (start, line), end in zip(starts, ends)]


MADE_UP = """
def far(
    a,
):
    x = (a +

""" + "\n" * 300 + """
         a)
    return [
        y
        for y in x
        if y
    ]
"""

FOUND = []
for module in (argparse, inspect, json.decoder, textwrap):
    with open(module.__file__, encoding="utf-8") as file:
        FOUND += codes(compile(file.read(), module.__file__, "exec"))
FOUND += codes(compile(MADE_UP, "<far>", "exec"))

print("READY", json.dumps([
    {
        "address": id(code),
        "name": getattr(code, "co_qualname", code.co_name),
        "file": code.co_filename,
        "first": code.co_firstlineno,
        "units": len(code.co_code) // 2,
        "lines": lines(code),
    }
    for code in FOUND
]), flush=True)
time.sleep(3600)
