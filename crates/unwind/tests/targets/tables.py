"""Prints, as READY, the address of many code objects and the lines that co_lines() gives them."""

import argparse
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
        "name": code.co_qualname,
        "file": code.co_filename,
        "first": code.co_firstlineno,
        "units": len(code.co_code) // 2,
        "lines": [[start // 2, end // 2, line or 0] for start, end, line in code.co_lines()],
    }
    for code in FOUND
]), flush=True)
time.sleep(3600)
