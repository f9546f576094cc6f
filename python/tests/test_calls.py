"""Trees of calls, drawn: every count is known by construction, on every interpreter."""

from __future__ import annotations

import os
import sys
import textwrap

import pytest
from conftest import CALLS, recorded

pytestmark = CALLS


def check(case: str, expected: str, irregular: str = "0 0 0", **options: str) -> None:
    *drawing, care = recorded("calls", case, **options).splitlines()
    assert "\n".join(drawing) == textwrap.dedent(expected).strip("\n")
    assert care == f"irregular {irregular}"


def test_recursion():
    check(
        "recursion",
        """
        recursion 1
          down 1
            down 1
              down 1
                down 1
                  leaf 1
                leaf 1
              leaf 1
            leaf 1
        """,
    )


def test_mutual_recursion():
    check(
        "mutual_recursion",
        """
        mutual_recursion 1
          mutual 1
            other 1
              mutual 1
                other 1
                  mutual 1
                    other 1
        """,
    )


def test_generators_count_calls_and_resumptions():
    check(
        "generators",
        """
        generators 1
          delegating 1+2
            numbers 1+2
              leaf 2
          numbers 2+%d
            leaf 4
        """
        # Closing a generator runs it once more, but not on 3.13 where nothing in it could handle that.
        % (3 if sys.version_info[:2] == (3, 13) else 4),
    )


def test_exceptions_end_what_they_pass():
    check(
        "exceptions",
        """
        exceptions 1
          catching 2
            failing 2
              failing 2
                failing 2
                  leaf 2
                leaf 2
              leaf 2
            leaf 2
        """,
    )


def test_throwing_into_a_generator():
    check(
        "throws",
        """
        throws 1
          throwing 1
            leaf 2
            thrown_into 1+2
              leaf 2
        """,
    )


def test_sys_exit():
    check(
        "exits",
        """
        exits 1
          leaf 1
          leaving 1
            leaf 1
        """,
    )


def test_coroutines_stand_under_what_resumes_them():
    check(
        "coroutines",
        """
        coroutines 1
          inner 2+1
            leaf 2
          outer 1+3
            inner 1+2
              leaf 1
        """,
    )


def test_a_cancelled_task_is_thrown_into_through_its_awaiters():
    # 3.9 does not link the frames of awaiters while it throws.
    thrown = (
        ("1", "cancelled 0+1\n            leaf 1\n          ") if sys.version_info < (3, 10) else ("1+1", "")
    )
    below = "" if sys.version_info < (3, 10) else "\n              leaf 1"
    check(
        "cancellation",
        f"""
        cancellation 1
          {thrown[1]}cancelling 1+2
            leaf 1
          waiting 1+1
            cancelled {thrown[0]}{below}
        """,
    )


def test_async_generators():
    check(
        "async_generators",
        """
        async_generators 1
          consume 1
            produce 1+2
              leaf 2
        """,
    )


def test_threads_have_trees_of_their_own():
    check(
        "threads",
        """
        in_thread 3
          leaf 6
        threads 1
        """,
    )


def test_methods_properties_operators_and_finalizers():
    in_comprehension = "<listcomp> 1\n            leaf 2\n          " if sys.version_info < (3, 12) else ""
    own = 1 if sys.version_info < (3, 12) else 3
    leaves = "leaf 2\n          " if own == 3 else ""
    check(
        "objects",
        f"""
        objects 1
          <lambda> 3
            leaf 3
          {in_comprehension}__add__ 1
            leaf 1
          __call__ 1
            leaf 1
          __del__ 1
            leaf 1
          {leaves}make 1
            __init__ 1
              leaf 1
          value 1
            method 1
              leaf 1
        """,
    )


def test_calls_through_c():
    check(
        "through_c",
        """
        through_c 1
          <lambda> 2
            leaf 2
          down 2
            down 1
              leaf 1
            leaf 2
        """,
    )


def test_c_calls_on_request():
    text = recorded("calls", "c_functions")
    # Before 3.12 the interpreter announces functions in C, but not types.
    types = ["  dict 1"] if sys.version_info >= (3, 12) else []
    for line in ("  abs 1", "  str.join 1", "  list.append 1", *types):
        assert line in text.splitlines(), text


@pytest.mark.parametrize("timer", ["cpu", "instructions", "wall"])
def test_every_timer_says_what_ran(timer: str):
    about = recorded("calls_options", "timer", timer)
    assert f"requested {timer}" in about
    if timer != "instructions":
        assert f"used {timer}" in about
    else:
        assert "used instructions" in about or "no instruction counter" in about


def test_where_perf_events_are_denied_the_timer_is_another_and_says_so():
    about = recorded("calls_options", "timer_without_perf_events")
    assert "no perf page: denied" in about
    # The C library registers the area since 2.35.
    libc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")
    if tuple(map(int, libc)) >= (2, 35):
        assert "means rseq area and constant counter" in about
    else:
        assert "means CLOCK_THREAD_CPUTIME_ID" in about


def test_a_timer_of_ones_own_gives_exact_values():
    assert recorded("calls_options", "callable_timer").split("\n")[0].startswith("1 ")
    first = recorded("calls_options", "callable_timer")
    assert first == recorded("calls_options", "callable_timer"), "deterministic"


def test_a_timer_that_raises_does_not_reach_the_program():
    assert recorded("calls_options", "raising_timer") == "3\n"


def test_only_chosen_functions():
    text = recorded("calls_options", "functions")
    assert text == "all 0\n  Shop.price 2\n    Shop.tax 2\n  work 2\n" or sorted(text.splitlines()) == sorted(
        ["all 0", "  work 2"] + (["  Shop.price 2", "    Shop.tax 2"] if sys.version_info >= (3, 11) else [])
    )


def test_one_recording_at_a_time():
    told, both, again = recorded("calls_options", "twice").splitlines()
    assert told == "calls are being recorded already / end that recording first; there is one per process"
    assert (both, again) == ("6", "3")


def test_bad_input_is_told_before_anything_runs():
    assert recorded("calls_options", "bad_input").splitlines() == [
        'CallsError there is no timer "sundial" (hint',
        "CallsError the timer is neither a name nor a function (hint",
        "FileNotFoundError [Errno 2] No such file or directory",
        "TypeError functions is a list of patterns, not one",
    ]


def test_decorated_functions():
    assert recorded("calls_options", "decorated").splitlines() == ["4 4", "2 2", "4", "5 1", "plain"]


def test_nodes_are_bounded_and_calls_are_not_lost():
    count, folded = recorded("calls_options", "bounded").splitlines()
    # The calls that end the recording are folded with the rest.
    assert count.split()[0] == "True" and 3000 <= int(count.split()[1]) <= 3002
    assert folded == "True True"


def test_files(tmp_path):
    error, count, table = recorded("calls_options", "files", str(tmp_path)).splitlines()
    assert error == (
        "ValueError the format of a file is one of "
        "html, svg, collapsed, pprof, speedscope, cpuprofile, chrome, firefox, otlp, json"
    )
    assert (count, table) == ("6", "calls True")
    assert "leaf" in (tmp_path / "x.html").read_text()


def test_a_thread_that_runs_already():
    assert recorded("calls_options", "running_threads").splitlines() == [
        "4 named 0",
        "5 deep 0",
        "6 deep 0",
        "7 deep 0",
        "8 deep 0",
        "9 leaf 1",
        "8 leaf 1",
        "7 leaf 1",
        "6 leaf 1",
        "0 0",
    ]
