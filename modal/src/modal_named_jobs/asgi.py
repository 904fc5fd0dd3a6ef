"""Calls an ASGI app in process, with its lifespan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from .ports import WebRequest, WebResponse

log = logging.getLogger(__name__)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class InProcessApp:
    """An ASGI app that is called without a socket. Also an `Upstream`."""

    def __init__(self, app: AsgiApp, give_up: Callable[[], Awaitable[None]] | None = None) -> None:
        """Wrap the app; its lifespan starts with the first request.

        `give_up` is called when its startup has failed twice in a row: here it will not get better.
        """
        self._app = app
        self._give_up = give_up
        self._failures = 0
        self._state: dict[str, Any] = {}
        self._startup: asyncio.Future[None] | None = None
        self._lifespan: asyncio.Future[None] | None = None
        self._stopping = asyncio.Event()

    async def forward(self, request: WebRequest) -> WebResponse:
        """Send one request through the app and collect the whole answer."""
        await self.start()
        sent_body = False
        never = asyncio.Event()
        status = 0
        headers: list[tuple[str, str]] = []
        chunks: list[bytes] = []

        async def receive() -> Message:
            nonlocal sent_body
            if sent_body:
                await never.wait()  # no client that could hang up
            sent_body = True
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                raw = message.get("headers", [])
                headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in raw]
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": request.query.encode("latin-1"),
            "root_path": "",
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1"))
                for k, v in [*_with_host(request.headers)]
            ],
            "client": None,
            "server": ("app", 80),
            "state": dict(self._state),
        }
        try:
            await self._app(scope, receive, send)
        except Exception:
            # The usual middleware answers 500 and raises again; its answer is what counts.
            if not status:
                raise
        if not status:
            raise RuntimeError("The app ended without an answer.")
        return WebResponse(status, headers, b"".join(chunks))

    async def start(self) -> None:
        """Run the app's startup once, as a server would. One that failed is tried again."""
        if self._startup is None:
            loop = asyncio.get_running_loop()
            self._startup = loop.create_future()
            self._state = {}
            self._lifespan = asyncio.ensure_future(self._live(self._startup))
        try:
            await asyncio.shield(self._startup)
        except Exception:
            if self._failures > 1 and self._give_up is not None:
                await self._give_up()
            raise

    async def stop(self) -> None:
        """Run the app's shutdown, if it was started."""
        self._stopping.set()
        if self._lifespan is not None:
            await self._lifespan

    async def _live(self, startup: asyncio.Future[None]) -> None:
        began = False

        async def receive() -> Message:
            nonlocal began
            if began:
                await self._stopping.wait()
                return {"type": "lifespan.shutdown"}
            began = True
            return {"type": "lifespan.startup"}

        async def send(message: Message) -> None:
            if startup.done():
                return
            if message["type"] == "lifespan.startup.complete":
                startup.set_result(None)
            elif message["type"] == "lifespan.startup.failed":
                self._failures += 1
                self._startup = None
                startup.set_exception(RuntimeError(message.get("message", "startup failed")))

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - an app without a lifespan raises here
            log.debug("the app has no lifespan: %r", error)
        finally:
            if not startup.done():
                startup.set_result(None)


def _with_host(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if any(k.lower() == "host" for k, _ in headers):
        return headers
    return [("host", "app"), *headers]
