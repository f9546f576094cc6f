"""Programs of `make soak` that do one rude thing all the time, until SIGTERM; they start no agent themselves.

Each tells at its end, as JSON, what it did and how its children ended.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter

ended = threading.Event()


def work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(300))


def churn_threads() -> dict[str, object]:
    """Threads that live for some milliseconds, twenty at a time."""
    made = 0
    while not ended.is_set():
        threads = [threading.Thread(target=work, args=(0.001,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made += len(threads)
        ended.wait(0.02)
    return {"threads": made}


def storm_of_forks() -> dict[str, object]:
    """Children of main and of another thread, by fork and by pools, while threads compute."""
    codes: Counter[int] = Counter()

    def fork_some() -> None:
        for number in range(5):
            child = os.fork()
            if child == 0:
                work(0.01)
                os._exit(number)
            codes[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) - number] += 1

    def compute() -> None:
        while not ended.is_set():
            work(0.005)
            time.sleep(0.02)

    computing = threading.Thread(target=compute)
    computing.start()
    while not ended.is_set():
        fork_some()
        thread = threading.Thread(target=fork_some)
        thread.start()
        thread.join()
        # A pool ends its children by SIGTERM, which must not mean to them what it means here.
        with multiprocessing.get_context("fork").Pool(
            2, signal.signal, (signal.SIGTERM, signal.SIG_DFL)
        ) as pool:
            pool.map(work, [0.005] * 4)
            pool.close()
            pool.join()
        ended.wait(0.1)
    computing.join()
    return {"children": sum(codes.values()), "failed": sum(codes.values()) - codes[0]}


def new_code() -> dict[str, object]:
    """Functions with names that never come again."""
    made = 0
    while not ended.is_set():
        made += 1
        names = {"work": work}
        inner = "".join(f"def made_{made}_{n}():\n    made_{made}_{n + 1}()\n" for n in range(10))
        exec(f"{inner}def made_{made}_10():\n    work(0.002)\n", names)
        names[f"made_{made}_0"]()  # type: ignore[operator]
        names.clear()
        time.sleep(0.01)
    return {"functions": made}


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    programs = {"threads": churn_threads, "forks": storm_of_forks, "new-code": new_code}
    print("ready", flush=True)
    told = programs[sys.argv[1]]()
    print("told " + json.dumps(told), flush=True)
    return 1 if told.get("failed") else 0


if __name__ == "__main__":
    sys.exit(main())
