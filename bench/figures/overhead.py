"""The agent's CPU at its default rate, measured from outside by the clocks of its own threads."""

from __future__ import annotations

import time

from measure import Figure, NotMeasured, thread_cpu_ns, threads_named
from plan import Plan
from targets import interpreters, program, running

AGENT_THREADS = ("pyro-sampler", "pyro-endpoint")
WARM_UP_SECONDS = 2.0
SECONDS = 20.0  # in all, divided into as many slices as there are rounds, at most SLICES
SLICES = 4
CASES = ((0, 0.3, "one busy thread, depth 30"), (50, 0.6, "the same and 50 idle threads"))


def measure(plan: Plan) -> list[Figure]:
    figures = []
    for idle, goal, what in CASES:
        for version, python in interpreters().items():
            figure = Figure(f"agent's CPU at 100 Hz, {what}, Python {version}", "% of a core", goal)
            try:
                figure.values = shares(plan, python, idle)
            except NotMeasured as error:
                figure.reason = str(error)
            figures.append(figure)
    return figures


def shares(plan: Plan, python: str, idle: int) -> list[float]:
    """The agent's share of a core in each slice, percent."""
    slices = min(plan.rounds, SLICES)
    seconds = plan.seconds(SECONDS) / slices
    # With its usual budget of 1 % of a core the agent would lower its rate where this costs more.
    busy = program("busy", "--idle", idle, python=python)
    with running(busy, agent=True, PYROMETER_BUDGET="1") as target:
        target.next_line()
        time.sleep(WARM_UP_SECONDS)
        agent = threads_named(target.pid, AGENT_THREADS)

        def clocks() -> tuple[int, int]:
            return time.monotonic_ns(), sum(thread_cpu_ns(target.pid, thread) for thread in agent)

        values = []
        for _ in range(slices):
            start_ns, cpu_before_ns = clocks()
            time.sleep(seconds)
            end_ns, cpu_after_ns = clocks()
            values.append(100 * (cpu_after_ns - cpu_before_ns) / (end_ns - start_ns))
        target.check()
        return values
