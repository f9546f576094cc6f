"""Tests of the measuring target: `python -m unittest` in this folder."""

import json
import os
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock
from wsgiref.util import setup_testing_defaults

import app


def get(path: str, query: str = "") -> tuple[str, dict]:
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    status = []
    body = b"".join(app.application(environ, lambda line, headers: status.append(line)))
    return status[0], json.loads(body)


class AccountTest(unittest.TestCase):
    def setUp(self) -> None:
        app.ACCOUNT.reset()

    def test_shares_are_as_planned_and_the_account_is_exact(self) -> None:
        before = time.thread_time_ns()
        answers = [get("/", "ms=100")[1] for _ in range(3)]
        used = time.thread_time_ns() - before
        truth = get("/truth")[1]
        self.assertEqual((truth["pid"], truth["requests"]), (os.getpid(), 3))
        for name, nanoseconds in truth["thread_time_ns"].items():
            self.assertEqual(nanoseconds, sum(answer[name] for answer in answers))
        total = sum(truth["thread_time_ns"].values())
        self.assertLessEqual(total, used)
        for function, percent in app.PLAN.items():
            share = 100 * truth["thread_time_ns"][function.__name__] / total
            self.assertAlmostEqual(share, percent, delta=1)
        self.assertGreaterEqual(truth["process_cpu_ns"], total)

    def test_one_function_can_be_given_more_and_others_nothing(self) -> None:
        _, spent = get("/", "ms=0&spend_30=5")
        self.assertEqual(list(spent), ["spend_30"])
        self.assertGreaterEqual(spent["spend_30"], 5_000_000)

    def test_refuses_what_it_does_not_understand(self) -> None:
        for query in ("ms=nan", "ms=-1", "ms=1e3", "ms=10001", "ms=", "spend_50=1", "x", "ms=٣"):
            status, answer = get("/", query)
            self.assertEqual(status, "400 Bad Request", query)
            self.assertIn("error", answer)
        self.assertEqual(get("/nowhere")[0], "404 Not Found")
        self.assertEqual(app.ACCOUNT.requests, 0)

    def test_threads_are_added_up(self) -> None:
        threads = [threading.Thread(target=get, args=("/", "ms=5")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        truth = get("/truth")[1]
        self.assertEqual(truth["requests"], 8)
        self.assertGreaterEqual(sum(truth["thread_time_ns"].values()), 8 * 5_000_000)

    def test_files_of_processes_add_up_and_a_child_starts_from_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.dict(os.environ, KNOWN_SHARES_DIR=folder):
                get("/", "ms=1")
                child = os.fork()
                if child == 0:
                    get("/", "ms=1")
                    get("/", "ms=1")
                    os._exit(0)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
            kept = {path.name: json.loads(path.read_bytes()) for path in Path(folder).iterdir()}
        self.assertEqual(
            {name: truth["requests"] for name, truth in kept.items()},
            {f"{os.getpid()}.json": 1, f"{child}.json": 2},
        )


if __name__ == "__main__":
    unittest.main()
