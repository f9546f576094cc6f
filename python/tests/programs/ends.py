"""Works a little under the agent and then ends in the way named on the command line."""

import atexit
import os
import signal
import sys
import threading
import time

import pyrometer

way = sys.argv[1]
# Registered before the agent, so it runs after the agent has ended.
atexit.register(lambda: work(0.01))
agent = pyrometer.start(service="ends", rate=500, budget=1.0)


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def say(text):
    print(text, flush=True)


def compute_for_ever():
    while True:
        work(0.01)


def wait_in_c():
    threading.Lock().acquire() and threading.Event().wait()


class Reluctant:
    """Still works while the interpreter takes itself apart."""

    def __del__(self):
        sum(range(1000))


work(0.2)
if way == "raise":
    sys.excepthook = lambda *_: None
    raise RuntimeError
elif way == "sys.exit":
    sys.exit(3)
elif way == "os._exit":
    os._exit(3)
elif way == "os._exit in a thread":
    threading.Thread(target=os._exit, args=(3,)).start()
    threading.Event().wait()
elif way == "os._exit refused":
    for wrong in ("x", 1 << 40):
        try:
            os._exit(wrong)
        except (TypeError, OverflowError):
            pass
    say("running" if agent.running else "stopped")
elif way == "threads alive":
    for _ in range(20):
        threading.Thread(target=work, args=(0.05,)).start()
elif way == "daemons alive":
    for function in (compute_for_ever, wait_in_c) * 5:
        threading.Thread(target=function, daemon=True).start()
    left = [Reluctant() for _ in range(100)]
    left.append(left)
elif way == "signal":
    say("ready")
    signal.pause()
elif way == "handled signal":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    say("ready")
    signal.pause()
    work(0.1)
elif way == "stop and start":
    for _ in range(20):
        agent.stop()
        assert not agent.running
        assert pyrometer.start(service="ends").running
        work(0.005)
