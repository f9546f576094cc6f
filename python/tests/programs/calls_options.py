"""Recordings with options, and what is refused. ``python calls_options.py CASE [ARGUMENT]``."""

import os
import sys
import threading
import time

import pyrometer
from pyrometer import CallsError
from seccomp import forbid


def leaf():
    pass


def work(n=3):
    for _ in range(n):
        leaf()


class Shop:
    def price(self):
        leaf()
        return self.tax()

    def tax(self):
        leaf()


def timer(name):
    with pyrometer.calls(timer=name) as p:
        work()
    print("requested", p.about["requested"])
    print("used", p.about["used"])
    print("why", p.about["why"])
    assert p.tree.find("leaf").calls == 3


def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def timer_without_perf_events():
    forbid(298)  # perf_event_open on x86-64
    with pyrometer.calls() as p:
        burn(0.1)
    print("means", p.about["means"])
    print("why", p.about["why"])
    assert abs(p.tree.find("burn").total - 1e8) < 1e7, p.tree.find("burn")


def callable_timer():
    readings = iter(range(0, 1_000_000, 10))
    with pyrometer.calls(timer=lambda: next(readings)) as p:
        work()
    node = p.tree.find("work")
    # Every event takes one reading, and every node that is new one more.
    print(node.calls, node.self_value, [child.self_value for child in node.children])


def raising_timer():
    def broken():
        raise RuntimeError("the timer is broken")

    with pyrometer.calls(timer=broken) as p:
        work()
    print(p.tree.find("leaf").calls)


def functions():
    with pyrometer.calls(functions=["Shop.*", "work"]) as p:
        for _ in range(2):
            Shop().price()
            work()
            leaf()
    for depth, node in p.tree.walk():
        print("  " * depth + node.name, node.calls)


def twice():
    with pyrometer.calls() as p:
        work()
        try:
            with pyrometer.calls():
                work()
        except CallsError as error:
            print(error.problem, "/", error.hint)
        work()
    print(p.tree.find("leaf").calls)
    with pyrometer.calls() as again:
        work()
    print(again.tree.find("leaf").calls)


def bad_input():
    for options in ({"timer": "sundial"}, {"timer": 7}, {"output": "/nonexistent/x.html"}):
        try:
            with pyrometer.calls(**options):
                print("it began")
        except (CallsError, OSError) as error:
            print(type(error).__name__, str(error).split(":")[0])
    try:
        pyrometer.calls(functions="work")
    except TypeError as error:
        print("TypeError", error)


def decorated():
    @pyrometer.calls
    def plain(n):
        work(n)
        return n

    @pyrometer.calls(timer="wall")
    def nested(n):
        leaf()
        return n and nested(n - 1)

    @pyrometer.calls
    async def coroutine():
        work(1)
        return 5

    import asyncio

    print(plain(4), plain.recording.tree.find("leaf").calls)
    print(plain(2), plain.recording.tree.find("leaf").calls)
    nested(3)
    print(sum(node.calls for _, node in nested.recording.tree.walk() if node.name == "leaf"))
    print(asyncio.run(coroutine()), coroutine.recording.tree.find("leaf").calls)
    print(plain.__name__)


def bounded():
    functions = {}
    for number in range(3000):
        exec(f"def made_{number}(): pass", functions)
    with pyrometer.calls(max_nodes=500) as p:
        for number in range(3000):
            functions[f"made_{number}"]()
    nodes = list(p.tree.walk())
    print(len(nodes) <= 1000, sum(node.calls for _, node in nodes))
    print(p.about["folded"] > 2000, p.tree.find("(other)").calls == p.about["folded"])


def files(folder):
    with pyrometer.calls(output=os.path.join(folder, "at-end.json")) as p:
        work()
    for ending in ("html", "json", "collapsed", "pb.gz"):
        p.write(os.path.join(folder, "x." + ending))
    p.write(os.path.join(folder, "odd-name"), "json")
    try:
        p.write(os.path.join(folder, "x.unknown"))
    except ValueError as error:
        print("ValueError", error)
    print(len(os.listdir(folder)))
    print(p.table().splitlines()[0].split()[0], "leaf" in p.table())


def running_threads():
    """A thread that runs already has its whole stack, and returns from it rightly."""
    inside, go_on, again = threading.Event(), threading.Event(), threading.Event()

    def deep(n):
        if n:
            deep(n - 1)
            leaf()
        else:
            inside.set()
            go_on.wait()
            leaf()

    def named():
        deep(3)
        again.wait()

    thread = threading.Thread(target=named, name="worker-7")
    thread.start()
    inside.wait()
    with pyrometer.calls() as p:
        go_on.set()
        again.set()
        thread.join()
    [worker] = [one for one in p.threads if one.name == "worker-7"]
    for depth, node in worker.tree.walk():
        if node.name.rpartition(".")[2] in ("named", "deep", "leaf"):
            print(depth, node.name.rpartition(".")[2], node.calls)
    print(p.about["unknown"], p.about["closed"])


def main():
    globals()[sys.argv[1]](*sys.argv[2:])


main()
