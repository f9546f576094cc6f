"""A measuring target: a web application whose CPU shares are known by construction.

Not an example of how to write one. A request burns CPU in `spend_10` … `spend_40`, each until
this thread's CPU clock has advanced by a given amount, and the application keeps exact account
of what each took. A profiler's shares are right if they agree with that account.

    gunicorn --workers 4 app:application
    GET /                     20 ms of CPU: 2, 4, 6 and 8 ms (10, 20, 30 and 40 %)
    GET /?ms=100              the same shares of 100 ms
    GET /?ms=20&spend_30=26   as above, but 26 ms in `spend_30`
    GET /truth                what this process has spent so far, exactly, as JSON

With KNOWN_SHARES_DIR set, each process also keeps its account in a file of that folder,
`PID.json`, replaced whole after each request, so that a test can add up all workers.

The functions hold their own loops, so self and total are the same where callees are written in
C. Only `spend_40` calls a Python function. Never imports a profiler; shares nothing over fork.
"""

import json
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl

DEFAULT_MS = 20.0
MOST_MS = 10_000.0
# Plain decimals only: no "nan", no exponent, nothing that overflows.
MILLISECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")

BYTES = bytes(range(256)) * 32
DOCUMENT = json.dumps([{"number": n, "name": f"name {n}", "even": n % 2 == 0} for n in range(100)])
SHUFFLED = [n * 7919 % 10_007 for n in range(4_000)]


def spend_10(budget_ns: int) -> int:
    """Compresses, in C and without the GIL."""
    start = time.thread_time_ns()
    while (spent := time.thread_time_ns() - start) < budget_ns:
        zlib.compress(BYTES)
    return spent


def spend_20(budget_ns: int) -> int:
    """Parses JSON, in C."""
    start = time.thread_time_ns()
    while (spent := time.thread_time_ns() - start) < budget_ns:
        json.loads(DOCUMENT)
    return spent


def spend_30(budget_ns: int) -> int:
    """Sorts, in C."""
    start = time.thread_time_ns()
    while (spent := time.thread_time_ns() - start) < budget_ns:
        sorted(SHUFFLED)
    return spent


def spend_40(budget_ns: int) -> int:
    """Runs bytecode, in a Python function that it calls."""
    start = time.thread_time_ns()
    while (spent := time.thread_time_ns() - start) < budget_ns:
        sum_of_squares(300)
    return spent


def sum_of_squares(count: int) -> int:
    total = 0
    for number in range(count):
        total += number * number
    return total


# Function: its share of a request, in percent.
PLAN: dict[Callable[[int], int], int] = {spend_10: 10, spend_20: 20, spend_30: 30, spend_40: 40}


class Account:
    """What this process has spent, by function, in nanoseconds of thread CPU time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.started = time.time()
        self.requests = 0
        self.spent_ns = {function.__name__: 0 for function in PLAN}

    def add(self, spent_ns: dict[str, int]) -> None:
        with self.lock:
            self.requests += 1
            for name, nanoseconds in spent_ns.items():
                self.spent_ns[name] += nanoseconds
            self._write()

    def truth(self) -> bytes:
        """`process_cpu_ns` is all CPU of the process: what exceeds the sum is the server's."""
        with self.lock:
            return self._as_json()

    def _as_json(self) -> bytes:
        content = {
            "pid": os.getpid(),
            "started": self.started,
            "requests": self.requests,
            "thread_time_ns": self.spent_ns,
            "process_cpu_ns": time.process_time_ns(),
        }
        return json.dumps(content).encode()

    def _write(self) -> None:
        folder = os.environ.get("KNOWN_SHARES_DIR")
        if not folder:
            return
        path = os.path.join(folder, f"{os.getpid()}.json")
        with open(path + ".new", "wb") as file:
            file.write(self._as_json())
        os.replace(path + ".new", path)


ACCOUNT = Account()
os.register_at_fork(after_in_child=ACCOUNT.reset)


class BadRequest(ValueError):
    """The caller's mistake, in words for the caller."""


def budgets_ns(query: str) -> dict[str, int]:
    """How long each function shall run, from the query string."""
    wanted_ms: dict[str, float] = {}
    names = {function.__name__ for function in PLAN} | {"ms"}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in names:
            raise BadRequest(f"unknown parameter: {name}")
        if not MILLISECONDS.fullmatch(text) or float(text) > MOST_MS:
            raise BadRequest(f"{name} must be milliseconds from 0 to {MOST_MS:.0f}")
        wanted_ms[name] = float(text)
    all_ms = wanted_ms.get("ms", DEFAULT_MS)
    return {
        function.__name__: round(1e6 * wanted_ms.get(function.__name__, all_ms * percent / 100))
        for function, percent in PLAN.items()
    }


def handle(query: str) -> bytes:
    budgets = budgets_ns(query)
    spent = {}
    for function in PLAN:
        # A call costs at least one turn of its loop's clock, so what is not wanted is not called.
        if budget := budgets[function.__name__]:
            spent[function.__name__] = function(budget)
    ACCOUNT.add(spent)
    return json.dumps(spent).encode()


def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
    status = "200 OK"
    try:
        if environ["PATH_INFO"] == "/truth":
            body = ACCOUNT.truth()
        elif environ["PATH_INFO"] == "/":
            body = handle(environ.get("QUERY_STRING", ""))
        else:
            status, body = "404 Not Found", b'{"error": "there are / and /truth"}'
    except BadRequest as error:
        status, body = "400 Bad Request", json.dumps({"error": str(error)}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
