"""For each line of input, starts a thread and tells its native id; for the next, ends it."""

import json
import sys
import threading

print("READY", json.dumps(threading.get_native_id()), flush=True)
while sys.stdin.readline():
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    print(thread.native_id, flush=True)
    sys.stdin.readline()
    gate.set()
    thread.join()
    print("ended", flush=True)
