"""The HTTP face: an ASGI app that serves the jobs and passes everything else on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .bodies import JobBody
from .errors import Refusal, bad_request
from .ports import WebRequest
from .ranges import Unsatisfiable, parse_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .jobs import NamedJobs
    from .ports import Upstream

WIRE_VERSION = 1
MAX_WAIT = 60.0
SWEEP_CHECK = 600.0
log = logging.getLogger(__name__)
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_gateway(jobs: NamedJobs, upstream: Upstream, app_name: str) -> Starlette:
    """Build the gateway of one app."""
    gateway = Gateway(jobs, upstream, app_name)
    return Starlette(
        routes=[
            Route("/health", gateway.health, methods=["GET"]),
            Route("/jobs/{key}", gateway.put, methods=["PUT"]),
            Route("/jobs/{key}", gateway.get, methods=["GET"]),
            Route("/jobs/{key}", gateway.delete, methods=["DELETE"]),
            Route("/jobs/{key}/result", gateway.result, methods=["GET"]),
            Route("/jobs/{key}/void", gateway.void, methods=["POST"]),
            Route("/jobs/{path:path}", no_such_job_route, methods=_ANY),
            Route("/{path:path}", gateway.pass_on, methods=_ANY),
        ],
        exception_handlers={Refusal: refuse, Exception: fail},
        lifespan=gateway.lifespan,
    )


async def refuse(_request: Request, error: Exception) -> Response:
    """Answer with a refusal."""
    if not isinstance(error, Refusal):
        raise error
    return JSONResponse(error.body, error.status)


async def fail(_request: Request, error: Exception) -> Response:
    """Answer with a fault of ours; the server logs it. The request may be repeated."""
    detail = f"{type(error).__name__}: {error}"[:500]
    return JSONResponse({"detail": detail, "code": "internal_error"}, 500)


async def no_such_job_route(_request: Request) -> Response:
    """Refuse what looks like a job but is none, so that it never reaches a GPU."""
    raise bad_request("Not a route of the named jobs, or a key with other characters.")


class Gateway:
    """The handlers."""

    def __init__(self, jobs: NamedJobs, upstream: Upstream, app_name: str) -> None:
        """Serve these jobs and this app."""
        self._jobs = jobs
        self._upstream = upstream
        self._app_name = app_name
        self._sweep: asyncio.Task[bool] | None = None
        self._next_sweep = 0.0

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Stop a sweep that is under way when the server stops."""
        yield
        if self._sweep is not None:
            self._sweep.cancel()

    async def health(self, _request: Request) -> Response:
        """Answer without waking a GPU container."""
        return JSONResponse({"status": "healthy", "app": self._app_name, "namedJobs": WIRE_VERSION})

    async def put(self, request: Request) -> Response:
        """Accept a job."""
        key = _key(request)
        body = JobBody.parse(await self._read(request))
        first, view = await self._jobs.accept(key, body)
        self._sweep_in_background()
        return JSONResponse(view.to_json(), 202 if first else 200)

    async def get(self, request: Request) -> Response:
        """Show a job."""
        view = await self._jobs.look(_key(request), _wait(request))
        return JSONResponse(view.to_json())

    async def delete(self, request: Request) -> Response:
        """Stop a job."""
        return JSONResponse(await self._jobs.stop(_key(request)))

    async def void(self, request: Request) -> Response:
        """Void a key."""
        key = _key(request)
        await self._jobs.void(key)
        return JSONResponse({"key": key, "state": "voided"})

    async def result(self, request: Request) -> Response:
        """Send the bytes of a result, or a range of them."""
        view, data = await self._jobs.result(_key(request))
        job = view.to_json()
        etag = f'"{job["sha256"]}"'
        headers = {
            "etag": etag,
            "accept-ranges": "bytes",
            "cache-control": "private, immutable",
            "content-type": job["mediaType"] or "application/octet-stream",
        }
        if etag in _tags(request.headers.get("if-none-match")):
            return Response(status_code=304, headers=headers)
        wanted = request.headers.get("range")
        if_range = request.headers.get("if-range")
        if if_range is not None and if_range != etag:
            wanted = None
        try:
            span = parse_range(wanted, len(data))
        except Unsatisfiable:
            detail = {"detail": "The range lies outside of the result.", "code": "bad_range"}
            return JSONResponse(detail, 416, {"content-range": f"bytes */{len(data)}"})
        if span is None:
            return Response(data, headers=headers)
        first, last = span
        headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
        return Response(data[first : last + 1], 206, headers)

    async def pass_on(self, request: Request) -> Response:
        """Hand a request to the wrapped app and its answer back."""
        sent = [(k, v) for k, v in request.headers.items() if k.lower() not in _HOP]
        web = WebRequest(
            request.method,
            request.scope.get("raw_path", request.url.path.encode()).decode("latin-1"),
            request.scope["query_string"].decode("latin-1"),
            sent,
            await self._read(request),
        )
        answer = await self._upstream.forward(web)
        response = Response(answer.body, answer.status)
        kept = [(k, v) for k, v in answer.headers if k.lower() not in _HOP]
        response.raw_headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in kept]
        return response

    async def _read(self, request: Request) -> bytes:
        """Read a body up to the limit; it is not kept in memory beyond that."""
        limit = self._jobs.settings.max_body
        too_large = Refusal(413, "too_large", f"The body exceeds {limit} bytes.")
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > limit:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                chunks.append(chunk)
        except ClientDisconnect as error:
            raise bad_request("The client hung up before the whole body was sent.") from error
        return b"".join(chunks)

    def _sweep_in_background(self) -> None:
        """Ask now and then whether a sweep is due. No timer: a plan allows few of them."""
        now = time.monotonic()
        if now < self._next_sweep or (self._sweep is not None and not self._sweep.done()):
            return
        self._next_sweep = now + SWEEP_CHECK
        self._sweep = asyncio.create_task(self._sweep_quietly())

    async def _sweep_quietly(self) -> bool:
        try:
            return await self._jobs.sweep_sometimes()
        except Exception:
            log.exception("the sweep failed; the next period tries again")
            return False


def _key(request: Request) -> str:
    key: str = request.path_params["key"]
    if not _KEY.fullmatch(key):
        raise bad_request("A key is 1 to 200 of A-Z a-z 0-9 . _ : -")
    return key


def _wait(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    try:
        wait = float(text)
    except ValueError:
        wait = math.nan
    if not math.isfinite(wait) or wait < 0:
        raise bad_request("`wait` must be a number of seconds from 0 to 60.")
    return min(wait, MAX_WAIT)


def _tags(header: str | None) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")] if header else []
