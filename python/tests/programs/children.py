"""Starts children in the way named on the command line, under load, and tells how they ended."""

import concurrent.futures
import ctypes
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import pyrometer


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def in_a_pool(number):
    pyrometer.start(service="pool")
    work(0.02)
    return number * number


def pool(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2, maxtasksperchild=3) as workers:
        squares = workers.map(in_a_pool, range(12), chunksize=1)
        workers.close()
        workers.join()
    return squares


def executor():
    with concurrent.futures.ProcessPoolExecutor(2) as workers:
        return list(workers.map(in_a_pool, range(12)))


def fork_storm(count):
    """Forks from two threads at once, children ending at once; others compute meanwhile."""
    codes = []
    lock = threading.Lock()

    def fork_many():
        for number in range(count):
            child = os.fork()
            if child == 0:
                os._exit(number % 7)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with lock:
                codes.append(code == number % 7)

    ended = threading.Event()

    def compute():
        while not ended.is_set():
            work(0.002)

    busy = [threading.Thread(target=compute) for _ in range(3)]
    forking = threading.Thread(target=fork_many)
    [thread.start() for thread in (*busy, forking)]
    fork_many()
    forking.join()
    ended.set()
    [thread.join() for thread in busy]
    return [all(codes), len(codes)]


def fork_in_c():
    """A child that C code forks knows nothing of Python's hooks, and of threads only its own."""
    libc = ctypes.PyDLL(None)
    codes = []
    for end in (os._exit, lambda code: (agent.stop(), os._exit(code))):
        child = libc.fork()
        if child == 0:
            end(5)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return codes


def run_programs():
    """subprocess takes vfork here where it can, fork where it must."""
    codes = [subprocess.run(["true"], check=False).returncode for _ in range(50)]
    codes += [subprocess.run(["true"], check=False, preexec_fn=int).returncode for _ in range(5)]
    codes += [os.waitstatus_to_exitcode(os.posix_spawn("/bin/true", ["true"], {})) * 0 for _ in range(5)]
    codes.append(os.system("true"))
    return sum(codes)


def nested(depth):
    """A child of a child of a child: each the heir of an agent that it leaves alone."""
    if depth == 0:
        return 4
    told = []
    worker = threading.Thread(target=lambda: told.append(fork_and_wait(lambda: nested(depth - 1))))
    worker.start()
    worker.join()
    return told[0]


def fork_and_wait(action):
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = action()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ends_itself():
    """Children that end by os._exit after some work: what they did must be left behind."""
    return [fork_and_wait(lambda: (work(0.05), 0)[1]) for _ in range(5)]


def threads_of_ours():
    count = 0
    for tid in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{tid}/comm") as name:
                count += name.read().startswith("pyro-")
        except OSError:
            pass  # It has ended.
    return count


if __name__ == "__main__":
    agent = pyrometer.start(service="children", rate=500, budget=1.0)
    own = agent.incarnation
    told = {
        "spawn": lambda: pool("spawn"),
        "forkserver": lambda: pool("forkserver"),
        "fork": lambda: pool("fork"),
        "executor": executor,
        "storm": lambda: fork_storm(int(sys.argv[2])),
        "c": fork_in_c,
        "programs": run_programs,
        "nested": lambda: nested(6),
        "ends": ends_itself,
    }[sys.argv[1]]()
    # A thread that has been joined may be listed for a moment longer.
    end = time.monotonic() + 20
    while threads_of_ours() != 2 and time.monotonic() < end:
        time.sleep(0.01)
    kept = {"same": agent.incarnation == own and agent.running, "threads": threads_of_ours()}
    print(json.dumps({"told": told, **kept}), flush=True)
    sys.stdin.read()
