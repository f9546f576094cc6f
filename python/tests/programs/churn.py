"""Makes and frees functions without end: their code objects' addresses are used again and again."""

import json
import sys
import time

import pyrometer

agent = pyrometer.start(service="churn", rate=1000, budget=1.0)
SOURCE = "def made_{0}():\n    end = time.thread_time() + 0.004\n    while time.thread_time() < end:\n        only_{0}()\n\ndef only_{0}():\n    return sum(range(300))\n"
end = time.time() + 6
made = 0
while time.time() < end:
    made += 1
    names = {"time": time}
    exec(compile(SOURCE.format(made % 7), f"made_{made % 7}.py", "exec"), names)
    names[f"made_{made % 7}"]()
    names.clear()
print(json.dumps({"made": made}), flush=True)
sys.stdin.read()
