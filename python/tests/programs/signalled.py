"""Is signalled, traced or watched while it is sampled, in the way named on the command line."""

import ctypes
import errno
import faulthandler
import json
import os
import signal
import sys
import tempfile
import threading
import time

import pyrometer

CATCHABLE = sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP})


def say(told):
    print(json.dumps(told), flush=True)


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def masks():
    """Signals that each thread of ours handles, as `/proc` says."""
    handled = {}
    for tid in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{tid}/status") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if fields["Name"].startswith("pyro-"):
            blocked = int(fields["SigBlk"], 16)
            handled[fields["Name"]] = [int(n) for n in CATCHABLE if not blocked >> (n - 1) & 1]
    return handled


def own_signals():
    """Every signal goes to the program; sent one by one, so that none is merged."""
    seen = []
    for number in CATCHABLE:
        signal.signal(number, lambda number, frame: seen.append(number))
    for number in CATCHABLE:
        before = len(seen)
        os.kill(os.getpid(), number)
        while len(seen) == before:
            work(0.001)
    # A thread has its name soon after it was started.
    while len(masks()) < 2:
        work(0.001)
    return {"masks": masks(), "seen": [int(n) for n in seen] == [int(n) for n in CATCHABLE]}


def interruptions():
    """C code that does not restart its system calls: no signal of ours may interrupt it."""
    libc = ctypes.CDLL(None, use_errno=True)
    reading, _writing = os.pipe()
    interrupted = []

    def wait_in_c(call, *arguments):
        for _ in range(20):
            ctypes.set_errno(0)
            if call(*arguments) != 0 and ctypes.get_errno() == errno.EINTR:
                interrupted.append(call.__name__)

    poll = ctypes.c_char * 8
    entry = poll.from_buffer_copy(reading.to_bytes(4, "little") + b"\x01\x00\x00\x00")
    threads = [
        threading.Thread(target=wait_in_c, args=(libc.usleep, 50_000)),
        threading.Thread(target=wait_in_c, args=(libc.poll, entry, 1, 50)),
    ]
    [thread.start() for thread in threads]
    wait_in_c(libc.usleep, 50_000)
    [thread.join() for thread in threads]
    return interrupted


def crash():
    """faulthandler owns SIGSEGV; its dump must come, and the process must die of the signal."""
    faulthandler.enable()
    say("ready")
    work(0.05)
    ctypes.string_at(0)


def dump_later():
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback_later(0.05, repeat=True, file=file)
        work(0.5)
        faulthandler.cancel_dump_traceback_later()
        faulthandler.register(signal.SIGUSR1, file=file)
        os.kill(os.getpid(), signal.SIGUSR1)
        file.seek(0)
        return file.read().count("in work") > 2


def traced(watch, unwatch):
    events = [0]

    def count(*_):
        events[0] += 1
        return count

    watch(count)
    started = time.monotonic()
    while time.monotonic() - started < 0.5:
        work(0.01)
    unwatch(None)
    # Callbacks run in threads of the program only.
    return events[0] > 100


def profiled():
    import cProfile

    profile = cProfile.Profile()
    profile.runcall(work, 0.2)
    return any(entry.code.co_name == "work" for entry in profile.getstats() if hasattr(entry.code, "co_name"))


def covered():
    import coverage

    measured = coverage.Coverage(data_file=None, include=[__file__])
    measured.start()
    work(0.2)
    measured.stop()
    return any(path.endswith("signalled.py") for path in measured.get_data().measured_files())


def debugged():
    import debugpy

    debugpy.listen(("127.0.0.1", 0))
    work(0.2)
    return True


def itimer():
    """A program with a timer signal of its own, as other profilers have one."""
    seen = []
    signal.signal(signal.SIGPROF, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    work(0.4)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return len(seen) > 5


agent = pyrometer.start(service="signalled", rate=1000, budget=1.0)
ways = {
    "own signals": own_signals,
    "interruptions": interruptions,
    "crash": crash,
    "dump later": dump_later,
    "setprofile": lambda: traced(sys.setprofile, sys.setprofile),
    "settrace": lambda: traced(sys.settrace, sys.settrace),
    "cProfile": profiled,
    "coverage": covered,
    "debugpy": debugged,
    "itimer": itimer,
}
told = ways[sys.argv[1]]()
say({"told": told, "running": agent.running})
sys.stdin.read()
