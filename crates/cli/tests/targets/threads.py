"""One thread that computes, some that wait, and one that waits for input. Says their native ids."""

import json
import sys
import threading


def compute():
    number = 0
    while True:
        number += 1


def wait(gate):
    gate.wait()


def read():
    sys.stdin.readline()


threads = [threading.Thread(target=compute, daemon=True)]
threads += [threading.Thread(target=wait, args=(threading.Event(),), daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
print("READY", json.dumps([threading.get_native_id()] + [thread.native_id for thread in threads]), flush=True)
read()
