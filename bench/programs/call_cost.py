"""What a call profiler adds: ``python call_cost.py WORK PROFILER ROUNDS`` prints one line of JSON.

The same work runs bare and under the profiler, in turn, in one process: a core that changes its speed
changes it for both. CPU time of the thread, in nanoseconds. Profilers that can leave calls of C functions
out do; each keeps its usual clock: CPU time for pyrometer and yappi, wall time for the others.
"""

import contextlib
import io
import json
import sys
import time

FIB = 21
ROWS = 120


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def calls_of_fib(n):
    return 1 if n < 2 else 1 + calls_of_fib(n - 1) + calls_of_fib(n - 2)


def django_template():
    import django
    from django.conf import settings
    from django.template import Context, Engine

    settings.configure(USE_TZ=False)
    django.setup()
    template = Engine().from_string(
        "<table>{% for row in rows %}<tr class='{% cycle 'odd' 'even' %}'>"
        "{% for key, value in row.items %}<td>{{ key|upper }}: {{ value|default:'-'|truncatechars:12 }}</td>"
        "{% if value %}{{ forloop.counter }}/{{ row.name.upper }}{% else %}{% firstof a b 'none' %}{% endif %}"
        "{% endfor %}</tr>{% endfor %}</table>"
    )
    rows = [{"name": f"item {i}", "price": i * 1.5, "note": "x" * i, "empty": ""} for i in range(ROWS)]
    return lambda: template.render(Context({"rows": rows, "b": 3}))


def profiled_by(name):
    """A context manager; None for what is not installed or does not run on this Python."""
    if name == "pyrometer":
        import pyrometer

        return pyrometer.calls
    if name == "cProfile":
        import cProfile

        return lambda: cProfile.Profile(builtins=False)
    if name == "yappi":
        import yappi

        @contextlib.contextmanager
        def running():
            yappi.set_clock_type("cpu")
            yappi.start(builtins=False)
            try:
                yield
            finally:
                yappi.stop()
                yappi.clear_stats()

        return running
    if name == "viztracer":
        import viztracer

        @contextlib.contextmanager
        def tracing():
            one = viztracer.VizTracer(ignore_c_function=True, verbose=0, tracer_entries=1_000_000)
            one.start()
            try:
                yield
            finally:
                one.stop()
                one.clear()

        return tracing
    if name == "line_profiler":
        import line_profiler

        @contextlib.contextmanager
        def lines():
            profiler = line_profiler.LineProfiler(fib)
            profiler.enable()
            try:
                yield
            finally:
                profiler.disable()

        return lines
    if name == "profiling.tracing":
        import profiling.tracing

        return lambda: profiling.tracing.Profile(builtins=False)
    raise ValueError(name)


def took(work):
    start = time.thread_time_ns()
    work()
    return time.thread_time_ns() - start


def main():
    kind, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "fib":
        calls, work = calls_of_fib(FIB), lambda: fib(FIB)
    else:
        calls, work = 0, django_template()
    try:
        profile = profiled_by(name)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    bare, watched = [], []
    for _ in range(rounds):
        bare.append(took(work))
        with contextlib.redirect_stdout(io.StringIO()), profile():
            work()  # what is new to the profiler
            watched.append(took(work))
    print(json.dumps({"calls": calls, "bare": bare, "watched": watched}))


main()
