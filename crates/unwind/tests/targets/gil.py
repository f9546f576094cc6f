"""Two threads compute without end, taking turns; one sleeps. Prints their kernel ids, by name."""

import json
import threading
import time


def compute():
    while True:
        pass


def sleep():
    time.sleep(3600)


threads = {"one": compute, "other": compute, "sleeper": sleep}
started = {name: threading.Thread(target=body, daemon=True) for name, body in threads.items()}
for thread in started.values():
    thread.start()
print("READY", json.dumps({name: thread.native_id for name, thread in started.items()}), flush=True)
time.sleep(3600)
