"""Forks in the way named on the command line; each child reports its own agent, then ends."""

import json
import os
import sys
import threading
import time

import pyrometer

agent = pyrometer.start(service="forks")
parent = agent.incarnation


def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


def in_the_child():
    burn(0.3)
    return 0 if agent.running and agent.incarnation != parent else 9


def fork_once():
    child = os.fork()
    if child == 0:
        code = 8
        try:
            code = in_the_child()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def threads():
    return sorted(os.listdir("/proc/self/task"))


codes = []
if sys.argv[1] == "main":
    codes = [fork_once() for _ in range(5)]
elif sys.argv[1] == "thread":
    worker = threading.Thread(target=lambda: codes.extend(fork_once() for _ in range(5)))
    worker.start()
    worker.join()
elif sys.argv[1] == "storm":
    # Forks under load, as fast as possible; children end at once.
    busy = [threading.Thread(target=burn, args=(2,)) for _ in range(3)]
    [thread.start() for thread in busy]
    for _ in range(200):
        child = os.fork()
        if child == 0:
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    [thread.join() for thread in busy]
elif sys.argv[1] == "multiprocessing":
    import multiprocessing

    # Spawned children have no agent: there the program starts none.
    pool = multiprocessing.get_context("fork").Pool(2)
    codes = pool.starmap(in_the_child, [()] * 4)
    pool.close()
    pool.join()
elif sys.argv[1] == "exec":
    child = os.fork()
    if child == 0:
        list_open = "import os; print(sorted(os.readlink('/proc/self/fd/' + f) for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f)), len(os.listdir('/proc/self/task')))"
        os.execv(sys.executable, [sys.executable, "-S", "-c", list_open])
    os.waitpid(child, 0)

print(json.dumps({"codes": codes, "running": agent.running, "same": agent.incarnation == parent}), flush=True)
sys.stdin.read()
