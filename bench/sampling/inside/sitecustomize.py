"""Starts the peer that ``BENCH_PEER`` names in the process that imports this: every Python one does.

The programs under measurement know nothing of it. With ``BENCH_PEER_FORKS`` the peer starts in the
children that this process forks instead, as pyroscope's manual advises for gunicorn. What the peers
collect beside stacks is off; a rate that adapts itself is fixed, as ours is in this comparison.
"""

import atexit
import os


def start_ddtrace(rate):
    os.environ["DD_PROFILING_OUTPUT_PPROF"] = os.environ["BENCH_FOLDER"] + "/ddtrace"
    from ddtrace.internal.datadog.profiling import stack
    from ddtrace.profiling import Profiler

    Profiler().start()
    stack.set_interval(1 / rate)  # there is no public option


def start_pyroscope(rate):
    import pyroscope

    pyroscope.configure(
        application_name="bench", server_address=os.environ["BENCH_PEER_SERVER"], sample_rate=rate
    )
    atexit.register(pyroscope.shutdown)


def start_pyroscope_stack(rate):
    import pyroscope

    pyroscope.configure_experimental_stack_profiler(
        adaptive_sampling=False, cpu_timer_interval_ms=max(1, 1000 // rate)
    )
    pyroscope.configure(
        application_name="bench",
        server_address=os.environ["BENCH_PEER_SERVER"],
        sample_rate=rate,
        cpu_implementation=pyroscope.ProfilerImplementation.Stack,
    )
    atexit.register(pyroscope.shutdown)


def start():
    globals()["start_" + os.environ["BENCH_PEER"]](int(os.environ["BENCH_PEER_RATE"]))


if "BENCH_PEER" in os.environ:
    if "BENCH_PEER_FORKS" in os.environ:
        # Its own hook, which corrects the thread ids that the peers ask for, must come first.
        import threading  # noqa: F401

        os.register_at_fork(after_in_child=start)
    else:
        start()
