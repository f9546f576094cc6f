"""One request at a time through the middleware: Django with threads and async, and an ASGI application.

Django's own clients send real requests through all of its machinery, without a socket.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pyrometer
import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from pyrometer import middleware

TOKEN = "a token for these tests"


def work_of_the_view() -> int:
    return sum(range(100))


def work_of_another_thread() -> None:
    work_of_the_view()


def view(request: Any) -> HttpResponse:
    other = threading.Thread(target=work_of_another_thread)
    other.start()
    other.join()
    return HttpResponse(f"found {work_of_the_view()}")


async def async_view(request: Any) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"found {work_of_the_view()}")


def failing(request: Any) -> HttpResponse:
    raise LookupError("on purpose")


urlpatterns = [path("", view), path("async", async_view), path("failing", failing)]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__, MIDDLEWARE=["pyrometer.middleware.Django"], ALLOWED_HOSTS=["*"]
        )
        django.setup()
    for name in (middleware.TOKEN, middleware.EVERY, middleware.DIRECTORY):
        monkeypatch.delenv(name, raising=False)
    yield
    with pyrometer.calls():  # no recording was left running
        pass


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(middleware.TOKEN, TOKEN)
    return TOKEN


def names_in(page: bytes) -> set[str]:
    return set(re.findall(r"work_of_\w+|async_view|\bview\b", page.decode()))


def test_the_report_of_a_request_is_the_answer(token: str) -> None:
    answer = Client().get("/", {"pyrometer": "calls"}, headers={"x-pyrometer-token": token})
    assert answer["content-type"].startswith("text/html")
    assert {"view", "work_of_the_view"} <= names_in(answer.content)
    # Of the request's own thread alone.
    assert "work_of_another_thread" not in names_in(answer.content)


def test_the_token_may_be_in_the_query(token: str) -> None:
    answer = Client().get("/", {"pyrometer": "calls", "pyrometer_token": token})
    assert b"work_of_the_view" in answer.content


def test_requests_that_do_not_ask_are_let_pass(token: str) -> None:
    assert Client().get("/").content == b"found 4950"
    assert Client().get("/", {"page": "2"}).content == b"found 4950"


def test_without_a_token_nobody_can_ask() -> None:
    assert Client().get("/", {"pyrometer": "calls", "pyrometer_token": ""}).content == b"found 4950"


@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ({"pyrometer": "calls"}, 403, "the token is missing or wrong"),
        (
            {"pyrometer": "calls", "pyrometer_token": "wrong \N{SNOWMAN}"},
            403,
            "the token is missing or wrong",
        ),
        ({"pyrometer": "weather", "pyrometer_token": TOKEN}, 400, "there is no recorder 'weather'"),
    ],
)
def test_a_request_that_asks_wrongly_is_told_why(
    token: str, query: dict[str, str], status: int, problem: str
) -> None:
    answer = Client().get("/", query)
    assert answer.status_code == status
    lines = answer.content.decode().splitlines()
    assert lines[0] == problem
    assert lines[1].startswith("hint: ")


def test_a_second_recording_is_refused_and_the_first_goes_on(token: str) -> None:
    with pyrometer.calls() as first:
        answer = Client().get("/", {"pyrometer": "calls", "pyrometer_token": token})
        work_of_the_view()
    assert answer.status_code == 409
    assert first.tree.find("work_of_the_view") is not None


def test_an_exception_of_the_view_is_the_views(token: str) -> None:
    with pytest.raises(LookupError, match="on purpose"):
        Client().get("/failing", {"pyrometer": "calls", "pyrometer_token": token})


def test_async_views_are_recorded(token: str) -> None:
    query = {"pyrometer": "calls", "pyrometer_token": token}
    answer = asyncio.run(AsyncClient().get("/async", query))
    assert {"async_view", "work_of_the_view"} <= names_in(answer.content)


def test_every_third_request_leaves_a_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "made when needed"
    monkeypatch.setenv(middleware.EVERY, "3")
    monkeypatch.setenv(middleware.DIRECTORY, str(folder))
    client = Client()
    assert {client.get("/").content for _ in range(7)} == {b"found 4950"}
    reports = sorted(folder.iterdir())
    assert len(reports) == 2
    assert all("work_of_the_view" in names_in(report.read_bytes()) for report in reports)


def test_old_reports_go_and_other_files_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(middleware.EVERY, "1")
    monkeypatch.setenv(middleware.DIRECTORY, str(tmp_path))
    (tmp_path / "notes.html").write_text("somebody's")
    for number in range(120):
        (tmp_path / f"calls-20200101T000000-1-{number:09}-GET.html").write_text("old")
    Client().get("/")
    left = sorted(entry.name for entry in tmp_path.iterdir())
    assert len(left) == 101
    assert "notes.html" in left
    assert any("work_of_the_view" in (tmp_path / name).read_text() for name in left)


def test_a_folder_that_cannot_be_written_costs_no_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(middleware.EVERY, "1")
    monkeypatch.setenv(middleware.DIRECTORY, str(tmp_path / "file"))
    client = Client()
    assert {client.get("/").content for _ in range(3)} == {b"found 4950"}
    assert capsys.readouterr().err.count("no more requests leave a report") == 1


@pytest.mark.parametrize("given", ["many", "-2", ""])
def test_a_number_that_is_none_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str) -> None:
    monkeypatch.setenv(middleware.EVERY, given)
    monkeypatch.setenv(middleware.DIRECTORY, str(tmp_path))
    assert Client().get("/").content == b"found 4950"
    assert list(tmp_path.iterdir()) == []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        return await send({"type": "lifespan.startup.complete"})
    body = f"found {work_of_the_view()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    return await send({"type": "http.response.body", "body": body})


def asgi_answer(app: Any, query: bytes) -> tuple[int, bytes]:
    async def exchange() -> tuple[int, bytes]:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": []}
        client = ApplicationCommunicator(app, scope)
        await client.send_input({"type": "http.request", "body": b""})
        start, body = await client.receive_output(), await client.receive_output()
        return start["status"], body["body"]

    return asyncio.run(exchange())


def test_an_asgi_application_is_recorded(tmp_path: Path) -> None:
    app = middleware.ASGI(application, token=TOKEN, every=2, directory=tmp_path)
    assert asgi_answer(app, b"") == (200, b"found 4950")
    assert asgi_answer(app, b"") == (200, b"found 4950")
    assert len(list(tmp_path.iterdir())) == 1
    status, page = asgi_answer(app, b"pyrometer=calls&pyrometer_token=" + TOKEN.replace(" ", "+").encode())
    assert status == 200
    assert b"work_of_the_view" in page
    assert asgi_answer(app, b"pyrometer=calls")[0] == 403


def test_what_is_no_request_passes() -> None:
    async def start() -> dict[str, Any]:
        client = ApplicationCommunicator(middleware.ASGI(application, token=TOKEN), {"type": "lifespan"})
        await client.send_input({"type": "lifespan.startup"})
        return await client.receive_output()

    assert asyncio.run(start()) == {"type": "lifespan.startup.complete"}
