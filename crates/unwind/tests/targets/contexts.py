"""Threads with context variables set in contexts of every size, and tasks that have their own.

READY tells, by name of the thread, its native id and the address that the variable `followed` is set
to (null where it is not set); and the address and the hash of `followed`. Each line on standard input
sets it anew in the thread "changing" and is answered by the address.
"""

import asyncio
import json
import sys
import threading
from contextvars import ContextVar


followed = ContextVar("followed")
others = [ContextVar(f"other-{n}") for n in range(2000)]
told = {}
ready = threading.Semaphore(0)
gate = threading.Event()


def park(name, value, count):
    for other in others[:count]:
        other.set(None)
    if value is not None:
        followed.set(value)
    told[name] = [threading.get_native_id(), None if value is None else id(value)]
    ready.release()
    gate.wait()


async def tasks():
    async def task(value, wait):
        followed.set(value)
        if wait:
            told["task"] = [threading.get_native_id(), id(value)]
            ready.release()
            gate.wait()
        await asyncio.sleep(3600)

    await asyncio.gather(task(values[0], False), task(values[1], False), task(values[2], True))


def change():
    number = threading.get_native_id()
    followed.set(values[0])
    told["changing"] = [number, id(values[0])]
    ready.release()
    for line in sys.stdin:
        value = values[int(line)]
        followed.set(value)
        print(id(value), flush=True)


values = [object() for _ in range(10)]
threads = [
    threading.Thread(target=park, args=arguments, daemon=True)
    for arguments in [
        ("empty", None, 0),
        ("alone", values[1], 0),
        ("absent", None, 20),
        ("bitmap", values[2], 5),
        ("wide bitmap", values[3], 14),
        ("array", values[4], 100),
        ("deep", values[5], 2000),
    ]
]
threads.append(threading.Thread(target=lambda: asyncio.run(tasks()), daemon=True))
threads.append(threading.Thread(target=change, daemon=True))
for thread in threads:
    thread.start()
for _ in threads:
    ready.acquire()
print("READY", json.dumps({"variable": [id(followed), hash(followed)], "threads": told}), flush=True)
gate.wait()
