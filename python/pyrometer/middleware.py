"""Middleware that records single requests: :class:`Django`, and :class:`ASGI` for any application.

``?pyrometer=calls`` with the right token answers with the report of that very request, as a page; every Nth
request can leave a report in a folder. Without a token and without a folder both let everything pass.

It never changes what other requests get, and a recording that cannot begin never fails one.
"""

from __future__ import annotations

import hmac
import itertools
import os
import sys
import threading
import time
from urllib.parse import parse_qs

from pyrometer import CallsError, calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    from pyrometer._calls import Calls

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN = "PYROMETER_REQUEST_TOKEN"
EVERY = "PYROMETER_REQUEST_EVERY"
DIRECTORY = "PYROMETER_REQUEST_DIR"

_KINDS: dict[str, Callable[[], Calls]] = {"calls": calls}
_TOKEN_HEADER = "x-pyrometer-token"
_MOST_FILES = 100
_PAGE = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"


class _Refusal(Exception):
    """What the client is told instead of a report."""

    def __init__(self, status: int, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.status = status
        self.text = f"{problem}\nhint: {hint}\n"


class _Chooser:
    """Which requests are recorded, and what becomes of their reports. Shared by all threads."""

    def __init__(self, token: str | None, every: int | None, directory: str | None) -> None:
        environment = os.environ.get
        self._token = token if token is not None else environment(TOKEN, "")
        self._every = every if every is not None else _number(environment(EVERY, ""))
        self._directory = directory if directory is not None else environment(DIRECTORY, "")
        if self._every and not self._directory:
            _say("no request leaves a report", f"set {DIRECTORY} to the folder for them")
            self._every = 0
        self._count = itertools.count(1)

    def asked(self, query: str, token: str) -> Calls | None:
        """A recording that is running, if the client asked for one."""
        if not self._token or "pyrometer=" not in query:
            return None
        fields = parse_qs(query, max_num_fields=100)
        kind = fields.get("pyrometer", [""])[0]
        given = token or fields.get("pyrometer_token", [""])[0]
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise _Refusal(403, "the token is missing or wrong", f"send it as {_TOKEN_HEADER}")
        if kind not in _KINDS:
            raise _Refusal(400, f"there is no recorder {kind!r}", f"one of {', '.join(_KINDS)}")
        try:
            return _KINDS[kind]().start()
        except CallsError as error:
            raise _Refusal(409, error.problem, error.hint) from None

    def chosen(self) -> Calls | None:
        """A recording that is running, for every Nth request."""
        if not self._every or next(self._count) % self._every:
            return None
        try:
            return _KINDS["calls"]().start()
        except CallsError:  # another one runs: this request goes without
            return None

    def keep(self, recording: Calls, title: str) -> None:
        """Leave the report of the calling thread; the oldest files go."""
        slug = "".join(letter if letter.isalnum() else "-" for letter in title)[:60].strip("-")
        name = f"calls-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**9:09}-{slug}.html"
        try:
            os.makedirs(self._directory, exist_ok=True)
            with open(os.path.join(self._directory, name), "xb") as file:
                file.write(_page(recording))
            ours = sorted(entry for entry in os.listdir(self._directory) if _is_ours(entry))
            for old in ours[:-_MOST_FILES]:
                os.unlink(os.path.join(self._directory, old))
        except OSError as error:
            self._every = 0
            _say(f"no more requests leave a report: {error}", f"see that {DIRECTORY} can be written")


def _is_ours(name: str) -> bool:
    return name.startswith("calls-") and name.endswith(".html")


def _page(recording: Calls) -> bytes:
    """The report of what the calling thread did, as a page."""
    return recording.stop().report.to_bytes("html", threading.get_native_id())


def _number(text: str) -> int:
    try:
        return max(0, int(text or 0))
    except ValueError:
        _say(f"{EVERY} is not a number: {text!r}", "no request leaves a report")
        return 0


def _say(problem: str, hint: str) -> None:
    print(f"pyrometer: {problem}\nhint: {hint}", file=sys.stderr)


class Django:
    """Django middleware, for sync and async views: ``"pyrometer.middleware.Django"``, best first.

    Settings come from ``PYROMETER_REQUEST_TOKEN``, ``_EVERY`` and ``_DIR``. A report holds what the
    request's thread did meanwhile; under async, that includes other requests of the same event loop.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction

        self._get_response = get_response
        self._chooser = _Chooser(None, None, None)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._answer_async(request)
        began = self._begin(request)
        if not isinstance(began, tuple):
            return self._get_response(request) if began is None else began
        try:
            response = self._get_response(request)
        finally:
            began[0].stop()
        return self._finish(request, began, response)

    async def _answer_async(self, request: Any) -> Any:
        began = self._begin(request)
        if not isinstance(began, tuple):
            return await self._get_response(request) if began is None else began
        try:
            response = await self._get_response(request)
        finally:
            began[0].stop()
        return self._finish(request, began, response)

    def _begin(self, request: Any) -> Any:
        """A recording and whether it was asked for; a refusal as a response; or None."""
        from django.http import HttpResponse

        try:
            asked = self._chooser.asked(
                request.META.get("QUERY_STRING", ""), request.headers.get(_TOKEN_HEADER, "")
            )
        except _Refusal as refusal:
            return HttpResponse(refusal.text, status=refusal.status, content_type=_TEXT)
        if asked is not None:
            return asked, True
        chosen = self._chooser.chosen()
        return None if chosen is None else (chosen, False)

    def _finish(self, request: Any, began: tuple[Calls, bool], response: Any) -> Any:
        from django.http import HttpResponse

        recording, was_asked = began
        if not was_asked:
            self._chooser.keep(recording, f"{request.method} {request.path}")
            return response
        response.close()
        return HttpResponse(_page(recording), content_type=_PAGE)


class ASGI:
    """ASGI middleware: ``ASGI(app, token="…")``.

    Args:
        app: The application.
        token: What ``x-pyrometer-token`` or ``pyrometer_token=`` must be; ``PYROMETER_REQUEST_TOKEN``.
        every: Every so many requests one leaves a report; ``PYROMETER_REQUEST_EVERY``. 0 for none.
        directory: Where to; ``PYROMETER_REQUEST_DIR``. The newest 100 are kept.

    A report holds what the thread of the event loop did meanwhile, other requests included.
    """

    def __init__(
        self,
        app: Application,
        *,
        token: str | None = None,
        every: int | None = None,
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        self._app = app
        self._chooser = _Chooser(token, every, None if directory is None else os.fspath(directory))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = dict(scope["headers"]).get(_TOKEN_HEADER.encode(), b"").decode("latin-1")
        try:
            asked = self._chooser.asked(scope["query_string"].decode("latin-1"), token)
        except _Refusal as refusal:
            await _send(send, refusal.status, _TEXT, refusal.text.encode())
            return
        recording = asked or self._chooser.chosen()
        if recording is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send if asked is None else _swallow)
        finally:
            recording.stop()
        if asked is None:
            self._chooser.keep(recording, f"{scope['method']} {scope['path']}")
        else:
            await _send(send, 200, _PAGE, _page(recording))


async def _swallow(_message: MutableMapping[str, Any]) -> None:
    """Takes the application's own answer, in place of which the report is sent."""


async def _send(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
