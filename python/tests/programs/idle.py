"""Starts the agent with the options given as JSON and waits."""

import json
import sys

import pyrometer


def wait_for_the_end():
    sys.stdin.read()


options = json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}")
agent = pyrometer.start(**options)
again = pyrometer.start(**{**options, "service": "another"})
print(
    json.dumps(
        {
            "running": agent.running,
            "same": agent is again,
            "service": agent.service,
            "address": agent.address,
            "incarnation": agent.incarnation,
        }
    ),
    flush=True,
)
wait_for_the_end()
