"""Starts a thread, tells its native id, waits for a while, ends it, tells that; again and again."""

import json
import threading
import time

print("READY", json.dumps(threading.get_native_id()), flush=True)
while True:
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    print(thread.native_id, flush=True)
    time.sleep(0.05)
    gate.set()
    thread.join()
    print("ended", flush=True)
    time.sleep(0.05)
