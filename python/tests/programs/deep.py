"""Keeps a thread in a known, deep or odd stack while the tests look."""

import sys
import threading

import pyrometer

sys.setrecursionlimit(200_000)
threading.stack_size(512 << 20)
agent = pyrometer.start(service="deep", rate=200)
held = threading.Event()


def descend(depth):
    if depth == 0:
        held.set()
        return spin()
    return descend(depth - 1)


def spin():
    total = 0
    while not ended.is_set():
        total += sum(range(500))
    return total


def generator(depth):
    if depth:
        yield from generator(depth - 1)
    yield spin()


ended = threading.Event()
shape = sys.argv[1]
if shape == "recursion":
    work = lambda: descend(int(sys.argv[2]))
elif shape == "generator":
    work = lambda: (held.set(), list(generator(20)))
elif shape == "threads":
    for _ in range(int(sys.argv[2])):
        threading.stack_size(256 << 10)
        threading.Thread(target=ended.wait, daemon=True).start()
    work = lambda: (held.set(), spin())
threading.stack_size(512 << 20)
thread = threading.Thread(target=work, daemon=True)
thread.start()
held.wait()
print("ready", flush=True)
sys.stdin.read()
ended.set()
