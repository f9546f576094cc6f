"""How much longer fixed CPU-bound work takes with the agent: interleaved pairs, median of their ratios.

The wall ratio holds everything: the sampler on another core, its time on ours, cold caches. The
ratio of the working thread's own CPU time holds only what the agent does to that thread, and is far
less disturbed by other work on the machine.
"""

from __future__ import annotations

from measure import Figure
from plan import Plan
from targets import program, running

PAIRS = 11
UNITS = 8_000  # about 1 s
GOAL = 1.01


def measure(plan: Plan) -> list[Figure]:
    wall = Figure("slowdown of CPU-bound work at 100 Hz, wall time", "ratio", GOAL)
    cpu = Figure("slowdown of CPU-bound work at 100 Hz, thread CPU time", "ratio", GOAL)
    units = int(plan.seconds(UNITS))
    for pair in range(plan.times(PAIRS)):
        order = (False, True) if pair % 2 == 0 else (True, False)
        spent = {agent: once(agent, units) for agent in order}
        for figure, clock in ((wall, "wall_ns"), (cpu, "cpu_ns")):
            figure.values.append(spent[True][clock] / spent[False][clock])
    return [wall, cpu]


def once(agent: bool, units: int) -> dict:
    with running(program("work", units), agent=agent) as target:
        return target.next_line()
