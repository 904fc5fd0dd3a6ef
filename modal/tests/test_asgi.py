"""Calling an ASGI app in process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from memory import MemoryRunner, MemoryStore
from modal_named_jobs.asgi import InProcessApp
from modal_named_jobs.gateway import create_gateway
from modal_named_jobs.jobs import NamedJobs
from modal_named_jobs.ports import WebRequest
from modal_named_jobs.ranges import Unsatisfiable, parse_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def made() -> tuple[FastAPI, list[str]]:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        seen.append("up")
        yield {"model": "loaded"}
        seen.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request) -> Response:
        text = f"{name} {request.query_params} {request.state.model} {request.headers['x-a']}"
        answer = Response(text.encode() + await request.body())
        answer.headers.append("set-cookie", "a=1")
        answer.headers.append("set-cookie", "b=2")
        return answer

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        return StreamingResponse(parts())

    @app.get("/fault")
    async def fault() -> None:
        raise ValueError("no model")

    return app, seen


async def test_a_request_goes_through_the_gateway_unchanged() -> None:
    app, seen = made()
    web = InProcessApp(app)
    gateway = create_gateway(NamedJobs(MemoryStore(), MemoryRunner()), web, "x")
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        echo = await client.post("/echo/a%20b?q=1", content=b"!", headers={"x-a": "y"})
        assert echo.text == "a b q=1 loaded y!"
        assert echo.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert (await client.get("/stream")).text == "one two"
        assert (await client.get("/fault")).status_code == 500
        assert (await client.get("/docs")).status_code == 200
    assert seen == ["up"]
    await web.stop()
    assert seen == ["up", "down"]


def failing(times: int) -> tuple[FastAPI, list[str]]:
    """An app whose startup fails so many times."""
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        seen.append("up")
        if len(seen) <= times:
            raise RuntimeError("no weights")
        yield {"model": "loaded"}
        seen.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def model(request: Request) -> str:
        return str(request.state.model)

    return app, seen


ROOT = WebRequest("GET", "/", "", [], b"")


async def test_a_startup_that_failed_is_tried_again() -> None:
    app, seen = failing(1)
    web = InProcessApp(app)
    with pytest.raises(RuntimeError, match="no weights"):
        await web.forward(ROOT)
    assert (await web.forward(ROOT)).body == b'"loaded"'
    assert (await web.forward(ROOT)).status == 200
    await web.stop()
    assert seen == ["up", "up", "down"]


async def test_a_startup_that_fails_twice_is_given_up() -> None:
    app, seen = failing(9)
    given_up: list[int] = []

    async def give_up() -> None:
        given_up.append(len(seen))

    web = InProcessApp(app, give_up)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no weights"):
            await web.forward(ROOT)
    assert given_up == [2, 3]


async def test_requests_share_a_startup_and_its_failure() -> None:
    app, seen = failing(1)
    web = InProcessApp(app)
    failed = await asyncio.gather(*(web.forward(ROOT) for _ in range(3)), return_exceptions=True)
    assert ["no weights" in str(error) for error in failed] == [True] * 3
    assert seen == ["up"]


async def test_an_app_without_a_lifespan() -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204})

    answer = await InProcessApp(app).forward(WebRequest("GET", "/", "", [], b""))
    assert (answer.status, answer.body, answer.header("x")) == (204, b"", None)


async def test_an_app_that_does_not_answer() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        return

    with pytest.raises(RuntimeError, match="without an answer"):
        await InProcessApp(app).forward(WebRequest("GET", "/", "", [], b""))


async def test_a_fault_of_ours_is_json() -> None:
    class Down(MemoryStore):
        async def get(self, name: str) -> None:
            raise ConnectionError("the store is down")

    gateway = create_gateway(NamedJobs(Down(), MemoryRunner()), InProcessApp(made()[0]), "x")
    transport = httpx.ASGITransport(gateway, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/jobs/k")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=0-0", 10, (0, 0)),
        ("bytes=5-", 10, (5, 9)),
        ("bytes=-3", 10, (7, 9)),
        ("bytes=-30", 10, (0, 9)),
        ("bytes=8-90", 10, (8, 9)),
        ("bytes=5-4", 10, None),
        ("bytes=-", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=0-1,2-3", 10, None),
    ],
)
def test_ranges(header: str | None, size: int, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, size) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_ranges_beyond_the_end(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, size)
