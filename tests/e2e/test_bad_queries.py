"""A question that cannot be understood is answered by 400: what is wrong, and what to write instead."""

from __future__ import annotations

import pytest
from stack import Stack

CASES = [
    ("flamegraph", {"query": "{service=known}"}, "bad_selector"),
    ("flamegraph", {"query": '{service="known"'}, "bad_selector"),
    ("flamegraph", {"query": '{service=~"("}'}, "bad_selector"),
    ("table", {"from": "yesterday"}, "bad_time"),
    ("table", {"until": "now-15x"}, "bad_time"),
    ("timeline", {"from": "2026-13-01T00:00:00Z"}, "bad_time"),
    ("table", {"from": "now", "until": "now-1h"}, "empty_interval"),
    ("flamegraph", {"type": "cpu"}, "unknown_profile_type"),
    ("flamegraph", {"max_nodes": "0"}, "bad_max_nodes"),
    ("timeline", {"step": "often"}, "bad_step"),
    ("timeline", {"from": "now-52w", "step": "10s"}, "too_many_points"),
    ("flamegraph", {"querry": "{}"}, "unknown_parameter"),
    ("workers", {"query": "{}"}, "unknown_parameter"),
    ("functions/timeline", {}, "missing_parameter"),
    ("export", {"format": "docx"}, "unknown_format"),
]


@pytest.fixture(scope="module")
def serving(shared_stack: Stack) -> Stack:
    if not shared_stack.address:
        shared_stack.serve("--poll-interval", "1")
    return shared_stack


@pytest.mark.parametrize(
    ("resource", "parameters", "code"), CASES, ids=[f"{c[2]}-{c[0]}-{i}" for i, c in enumerate(CASES)]
)
def test_code_message_and_hint(serving: Stack, resource: str, parameters: dict[str, str], code: str) -> None:
    status, answer = serving.ask(resource, **parameters)
    assert (status, answer["error"]["code"]) == (400, code), answer
    assert answer["error"].keys() == {"code", "message", "hint"}
    assert answer["error"]["message"]
    assert answer["error"]["hint"]


def test_what_is_not_there_is_404_with_a_hint(serving: Stack) -> None:
    status, answer = serving.ask("flamegraphs")
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert answer["error"]["hint"]


def test_a_typing_error_is_answered_by_the_right_word(serving: Stack) -> None:
    assert "query" in serving.ask("flamegraph", querry="{}")[1]["error"]["hint"]
