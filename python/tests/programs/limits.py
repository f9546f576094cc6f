"""Starts the agent where the system gives too little, in the way named on the command line."""

import json
import os
import resource
import shutil
import sys
import threading
import time

import pyrometer
from seccomp import forbid

PROCESS_VM_READV, MEMFD_CREATE = 310, 319


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def start():
    return pyrometer.start(service="limits", rate=500, budget=1.0)


def seccomp_before():
    forbid(PROCESS_VM_READV)
    return start()


def seccomp_later():
    agent = start()
    work(0.1)
    forbid(PROCESS_VM_READV, every_thread=True)
    return agent


def seccomp_and_fork():
    """Only this thread is filtered; those of ours are made again after the fork, and so are, too."""
    agent = start()
    forbid(PROCESS_VM_READV)
    child = os.fork()
    if child == 0:
        work(0.1)
        os._exit(0 if agent.running else 9)
    assert os.waitpid(child, 0)[1] == 0
    return agent


def seccomp_no_way():
    forbid(PROCESS_VM_READV, MEMFD_CREATE)
    return start()


def no_files():
    """No descriptor is left but those that a warning needs."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    while True:
        try:
            taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            break
    for left in range(12):
        agent = start()
        if agent.running:
            break
        os.close(taken.pop())
    assert agent.running, "with a few descriptors it starts"
    agent.stop()
    while True:
        try:
            taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return start()


def become_nobody():
    """Limits on processes do not bind root."""
    if os.getuid() == 0:
        os.makedirs(os.environ["PYROMETER_DIR"], exist_ok=True)
        os.chown(os.environ["PYROMETER_DIR"], 65534, 65534)
        os.setuid(65534)


def no_threads():
    become_nobody()
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    return start()


def no_threads_after_fork():
    become_nobody()
    agent = start()
    resource.setrlimit(resource.RLIMIT_NPROC, (4, 4))
    # Forks may be refused now; the agent may stay paused; the program goes on.
    for _ in range(3):
        try:
            child = os.fork()
        except OSError:
            continue
        if child == 0:
            work(0.02)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    return agent


def address_space(more):
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + more, resource.RLIM_INFINITY))


def no_memory():
    address_space(0)
    return start()


def memory_runs_out():
    """All memory is used up, and then thousands of new stacks are seen, which need room in our tables."""
    lines = "".join(
        f"def made_{n}(depth):\n    if depth:\n        return made_{n}(depth - 1)\n    return burn()\n"
        for n in range(1000)
    )
    end = [0.0]

    def burn():
        while time.thread_time() < end[0]:
            pass

    names = {"burn": burn}
    exec(lines, names)
    functions = [names[f"made_{n}"] for n in range(1000)]
    agent = pyrometer.start(service="limits", rate=1000, budget=1.0)
    functions[0](40)
    address_space(8 << 20)
    hoard = []
    for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9):
        try:
            while True:
                hoard.append(bytearray(size))
        except MemoryError:
            pass
    refused = 0
    for function in functions:
        try:
            end[0] = time.thread_time() + 0.003
            function(40)
        except MemoryError:
            refused += 1
    assert refused < 500, refused
    hoard.clear()
    address_space(1 << 30)
    return agent


def directory_gone():
    agent = start()
    shutil.rmtree(os.environ["PYROMETER_DIR"])
    work(0.1)
    child = os.fork()
    if child == 0:
        work(0.05)
        os._exit(0 if agent.running else 9)
    assert os.waitpid(child, 0)[1] == 0
    return agent


agent = globals()[sys.argv[1].replace(" ", "_")]()
work(0.3)
print(json.dumps({"running": agent.running}), flush=True)
thread = threading.Thread(target=work, args=(0.3,))
try:
    thread.start()
    thread.join()
except RuntimeError:
    pass  # No thread to be had: that was the point.
sys.stdin.read()
