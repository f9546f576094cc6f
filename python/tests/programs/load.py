"""Puts a load on the sampler, in the way named on the command line."""

import json
import resource
import sys
import threading
import time

import pyrometer


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def until_the_end():
    while not ended.is_set():
        work(0.01)


def say(told):
    print(json.dumps(told), flush=True)


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def threads(count):
    """So many threads that wait, and one that works."""
    threading.stack_size(64 << 10)
    for _ in range(count - 1):
        threading.Thread(target=never.wait, daemon=True).start()
    before = resident_bytes()
    agent = pyrometer.start(service="load")
    say({"running": agent.running})
    threading.Thread(
        target=lambda: say({"grown": end_of_input() - before, "cpu_ns": time.process_time_ns()})
    ).start()
    until_the_end()


def end_of_input():
    sys.stdin.readline()
    grown = resident_bytes()
    ended.set()
    return grown


def new_code(count):
    """Functions with names of their own, called and forgotten, without end: every stack is a new one."""
    agent = pyrometer.start(service="load", rate=1000, budget=1.0)
    sizes = []
    for number in range(count):
        names = {"work": work}
        inner = "".join(f"def made_{number}_{n}():\n    made_{number}_{n + 1}()\n" for n in range(20))
        exec(
            compile(f"{inner}def made_{number}_20():\n    work(0.002)\n", f"made_{number}.py", "exec"), names
        )
        names[f"made_{number}_0"]()
        names.clear()
        if number % (count // 10) == 0:
            sizes.append(resident_bytes())
    say({"running": agent.running, "sizes": sizes})
    sys.stdin.read()


def huge_code(lines):
    """A function of so many lines, and one whose table of lines is longer than anybody's."""
    agent = pyrometer.start(service="load", rate=1000, budget=1.0)
    names = {"work": work}
    body = "    x = 1\n" * lines
    exec(compile(f"def huge():\n{body}    work(0.5)\n", "huge.py", "exec"), names)
    names["huge"]()

    def strange():
        work(0.5)

    table = "co_linetable" if sys.version_info >= (3, 10) else "co_lnotab"
    strange.__code__ = strange.__code__.replace(**{table: b"\x81\x00" * (9 << 20)})
    strange()
    say({"running": agent.running})
    sys.stdin.read()


ended = threading.Event()
never = threading.Event()  # Ten thousand threads that all wake up would take a minute.
way, number = sys.argv[1], int(sys.argv[2])
{"threads": threads, "new code": new_code, "huge code": huge_code}[way](number)
