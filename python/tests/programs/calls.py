"""Programs whose calls are known by construction. Prints the recorded tree as a drawing.

``python calls.py CASE``. Each line of a drawing is ``name calls`` or ``name calls+resumes``, indented by
depth, callees by name. Frames of this file's scaffolding and of the standard library are left out: what
they call stands under their caller.
"""

import asyncio
import os
import sys
import threading

import pyrometer

HERE = os.path.abspath(__file__)
SCAFFOLD = {"<module>", "record", "main"}
OPTIONS = {"timer": "cpu"}


def drawing(node, depth=0, lines=None):
    """Nodes of this file's functions, with equal ones below one caller merged."""
    lines = [] if lines is None else lines
    for name, (calls, resumes, nodes) in sorted(merged(node).items()):
        lines.append("  " * depth + name + " %d" % calls + ("+%d" % resumes if resumes else ""))
        shell = type(node)("", "", 0)
        shell.children = [child for one in nodes for child in one.children]
        drawing(shell, depth + 1, lines)
    return lines


def merged(node):
    found = {}
    waiting = list(node.children)
    while waiting:
        child = waiting.pop()
        name = child.name.rpartition(".")[2]
        if os.path.abspath(child.file or "/") != HERE or name in SCAFFOLD:
            if child.file or not OPTIONS.get("c_calls"):
                waiting.extend(child.children)
                continue
            name = child.name
        calls, resumes, nodes = found.get(name, (0, 0, []))
        found[name] = (calls + child.calls, resumes + child.resumes, [*nodes, child])
    return found


def record(case):
    with pyrometer.calls(**OPTIONS) as p:
        case()
    return p


def leaf():
    pass


def down(n):
    if n:
        down(n - 1)
    leaf()


def recursion():
    down(3)


def mutual(n):
    return n and other(n - 1)


def other(n):
    return n and mutual(n - 1)


def mutual_recursion():
    mutual(5)


def numbers(n):
    for i in range(n):
        leaf()
        yield i


def delegating(n):
    yield from numbers(n)


def generators():
    for _ in numbers(3):
        pass
    list(delegating(2))
    abandoned = numbers(9)
    next(abandoned)
    abandoned.close()


class Error(Exception):
    pass


def failing(n):
    leaf()
    if n == 0:
        raise Error
    failing(n - 1)


def catching():
    try:
        failing(2)
    except Error:
        leaf()


def exceptions():
    catching()
    catching()


def thrown_into():
    for _ in range(2):
        try:
            yield
        except Error:
            leaf()


def throwing():
    g = thrown_into()
    next(g)
    g.throw(Error)
    leaf()
    try:
        g.throw(Error)
    except StopIteration:
        pass
    leaf()


def throws():
    throwing()


def leaving():
    leaf()
    sys.exit(3)


def exits():
    try:
        leaving()
    except SystemExit:
        leaf()


async def inner(n):
    for _ in range(n):
        await asyncio.sleep(0)
    leaf()


async def outer():
    await inner(2)
    await asyncio.gather(inner(1), inner(0))


def coroutines():
    asyncio.run(outer())


async def cancelled():
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        leaf()
        raise


async def waiting():
    await cancelled()


async def cancelling():
    task = asyncio.ensure_future(waiting())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        leaf()


def cancellation():
    asyncio.run(cancelling())


async def produce(n):
    for i in range(n):
        leaf()
        yield i


async def consume():
    async for _ in produce(2):
        pass


def async_generators():
    asyncio.run(consume())


def in_thread(n):
    for _ in range(n):
        leaf()


def threads():
    began = []
    for n in (1, 2, 3):
        began.append(threading.Thread(target=in_thread, args=(n,)))
        began[-1].start()
    for thread in began:
        thread.join()


class Thing:
    def __init__(self):
        leaf()

    @property
    def value(self):
        return self.method()

    def method(self):
        leaf()

    @classmethod
    def make(cls):
        return cls()

    def __call__(self):
        leaf()

    def __add__(self, right):
        leaf()
        return right

    def __del__(self):
        leaf()


def objects():
    thing = Thing.make()
    thing.value  # noqa: B018
    thing()
    thing + 1
    sorted([3, 1, 2], key=lambda value: leaf() or -value)
    [leaf() for _ in range(2)]
    del thing


def c_functions():
    abs(-1)
    "a".join(["b"])
    [].append(1)
    dict(a=1)


def through_c():
    list(map(down, [0, 1]))
    max([1, 2], key=lambda value: leaf() or value)


CASES = {
    name: value
    for name, value in list(globals().items())
    if callable(value)
    and name
    in (
        "recursion mutual_recursion generators exceptions throws exits coroutines cancellation async_generators "
        "threads objects c_functions through_c"
    ).split()
}


def main():
    case = sys.argv[1]
    if case == "c_functions":
        OPTIONS["c_calls"] = True
    p = record(CASES[case])
    print("\n".join(drawing(p.tree)))
    about = p.about
    print("irregular", about["closed"], about["unknown"], about["folded"])


if __name__ == "__main__":
    main()
