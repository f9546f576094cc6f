"""Recording calls among others: other profilers, deep stacks, forks, greenlets, many threads.

``python calls_world.py CASE``.
"""

import gc
import os
import sys
import threading
import time
import warnings

import pyrometer
from pyrometer import CallsError


def leaf():
    pass


def work(n=3):
    for _ in range(n):
        leaf()


def counts(p, *names):
    totals = dict.fromkeys(names, 0)
    for _, node in p.tree.walk():
        name = node.name.rpartition(".")[2]
        if name in totals:
            totals[name] += node.calls
    return [totals[name] for name in names]


def down(n):
    return n and down(n - 1)


def deep(depth):
    """As deep as the interpreter goes without us, in a thread with the usual stack."""
    depth = int(depth)
    sys.setrecursionlimit(depth + 200)

    with pyrometer.calls() as p:
        down(depth)
    print(counts(p, "down")[0], p.about["folded"], p.about["unknown"], p.about["closed"])


def deep_and_back():
    """What follows a deep recursion is seen again."""
    sys.setrecursionlimit(40_000)
    with pyrometer.calls() as p:
        for _ in range(3):
            down(18_000)
            work()
    print(*counts(p, "down", "work", "leaf"))
    print(p.about["unknown"], p.about["closed"])


def recursion_error():
    def forever(n):
        return forever(n + 1)

    with pyrometer.calls() as p:
        for _ in range(3):
            try:
                forever(0)
            except RecursionError:
                leaf()
    print(counts(p, "leaf")[0], counts(p, "forever")[0] > 2000, p.about["unknown"], p.about["closed"])


def set_profile():
    """The program profiles and traces itself meanwhile; both see everything."""
    seen = []

    def profile(frame, event, _):
        if event == "call" and frame.f_code is leaf.__code__:
            seen.append(event)

    with pyrometer.calls() as p:
        sys.setprofile(profile)
        work()
        sys.setprofile(None)
        work()
        sys.settrace(lambda *_: None)
        work()
        sys.settrace(None)
    print(counts(p, "leaf")[0], len(seen), sys.getprofile())


def c_profile():
    import cProfile

    other = cProfile.Profile()
    with pyrometer.calls() as p:
        other.enable()
        work()
        other.disable()
    print(
        counts(p, "leaf")[0],
        sum(entry.callcount for entry in other.getstats() if entry.code is leaf.__code__),
    )
    other.clear()
    other.enable()
    with pyrometer.calls() as p:
        work()
    other.disable()
    print(
        counts(p, "leaf")[0],
        sum(entry.callcount for entry in other.getstats() if entry.code is leaf.__code__),
    )


def taken_ids():
    for tool in range(6):
        sys.monitoring.use_tool_id(tool, "other %d" % tool)
    try:
        with pyrometer.calls():
            print("it began")
    except CallsError as error:
        print(error.problem, "/", error.hint)
    sys.monitoring.free_tool_id(3)
    with pyrometer.calls() as p:
        work()
    print(counts(p, "leaf")[0], [sys.monitoring.get_tool(tool) for tool in range(6)])


def held_profile():
    sys.setprofile(lambda *_: None)
    try:
        with pyrometer.calls(c_calls=True):
            print("it began")
    except CallsError as error:
        print(error.problem, "/", error.hint)
    sys.setprofile(None)


def forks():
    """The child counts from zero, and the parent goes on."""
    with pyrometer.calls() as p:
        work()
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            work(5)
            p.stop()
            os.write(write, b"%d" % counts(p, "leaf")[0])
            os._exit(0)
        os.waitpid(pid, 0)
        work()
    print(counts(p, "leaf")[0], int(os.read(read, 9)))


def forks_with_hostile_hooks():
    """Other hooks run Python in the child before ours, and a thread is the one that forks."""
    warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads is meant here
    os.register_at_fork(after_in_child=work)
    with pyrometer.calls() as p:
        statuses = []

        def one():
            pid = os.fork()
            if pid == 0:
                work(2)
                os._exit(7)
            statuses.append(os.waitpid(pid, 0)[1] >> 8)

        one()
        os.register_at_fork(after_in_child=work)
        thread = threading.Thread(target=one)
        thread.start()
        thread.join()
    print(statuses, counts(p, "one"))


def many_threads():
    """Descriptors and memory of ended threads are given back."""
    with pyrometer.calls() as p:
        work()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(300):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        after = len(os.listdir("/proc/self/fd"))
    print(counts(p, "leaf")[0], after - before <= 2, len(p.threads) < 80)


def churn():
    """Code objects die and their addresses are used again."""
    with pyrometer.calls() as p:
        for number in range(2000):
            space = {}
            exec("def made_%d(): pass" % (number % 100), space)
            space["made_%d" % (number % 100)]()
        gc.collect()
    found = [node.calls for _, node in p.tree.walk() if node.name.startswith("made_")]
    print(len(found), sum(found))


def finalizers():
    """Objects die inside calls, with generators and threads behind them."""

    class Noisy:
        def __del__(self):
            leaf()

    def make():
        noisy = Noisy()
        noisy.itself = noisy

    def suspended():
        try:
            yield
        finally:
            leaf()

    with pyrometer.calls() as p:
        for _ in range(50):
            make()
            next(suspended())
        gc.collect()
    print(*counts(p, "leaf", "__del__"), p.about["unknown"])


def stopped_inside():
    """Begun and ended in different functions and depths."""
    p = pyrometer.calls()

    def begin(n):
        if n:
            begin(n - 1)
        else:
            p.start()
            leaf()

    def end(n):
        if n:
            end(n - 1)
        else:
            p.stop()

    begin(5)
    leaf()
    end(3)
    leaf()
    print(*counts(p, "leaf", "end"), p.about["unknown"], p.about["closed"])


def daemon_at_exit():
    """The interpreter ends while a thread is being recorded."""
    recording = pyrometer.calls()
    recording.start()

    def forever():
        while True:
            work()

    threading.Thread(target=forever, daemon=True).start()
    while time.thread_time() < 0.05:
        work()
    print("ends")


def same_total():
    """CPU time of the tree is that of the thread clock, with the recorder's own cost in it."""

    def spin():
        total = 0
        for i in range(20_000):
            total += i
        return total

    with pyrometer.calls() as p:
        start = time.thread_time_ns()
        for _ in range(300):
            spin()
        used = time.thread_time_ns() - start
    found = sum(node.raw_self for _, node in p.tree.walk() if node.name.endswith("spin"))
    print(abs(found - used) < 0.05 * used, found, used)


def greenlets():
    import greenlet

    def first():
        leaf()
        two.switch()
        leaf()
        two.switch()

    def second():
        one.switch()
        inside()

    def inside():
        leaf()
        main.switch()

    main = greenlet.getcurrent()
    with pyrometer.calls() as p:
        one, two = greenlet.greenlet(first), greenlet.greenlet(second)
        one.switch()
        leaf()
        one.switch()
        for died in range(3):
            greenlet.greenlet(work).switch()
    for name in ("first", "second", "inside"):
        node = next(node for _, node in p.tree.walk() if node.name.endswith("." + name) or node.name == name)
        print(
            name, node.calls, sorted((child.name.rpartition(".")[2], child.calls) for child in node.children)
        )
    print(*counts(p, "leaf"), p.about["unknown"], p.about["closed"])


def gevents():
    import gevent

    def request(n):
        for _ in range(n):
            leaf()
            gevent.sleep(0)

    with pyrometer.calls() as p:
        gevent.joinall([gevent.spawn(request, n) for n in (1, 2, 3)])
    print(*counts(p, "request", "leaf"), p.about["unknown"], p.about["closed"])
    assert all(node.calls for _, node in p.tree.walk() if node.name.endswith("request"))


def main():
    globals()[sys.argv[1]](*sys.argv[2:])


main()
