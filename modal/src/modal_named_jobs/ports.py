"""The two interfaces between the named jobs and the machine they run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Entry = dict[str, Any]
"""One stored record. JSON values only, so that every store can hold it."""


class JobStore(Protocol):
    """Small records under a name, and blobs (bodies and results) under a path."""

    async def put_once(self, name: str, value: Entry) -> bool:
        """Store `value` unless the name is taken. True for the writer that was first."""
        ...

    async def put(self, name: str, value: Entry) -> None:
        """Store `value`, replacing an older one. Only for records with a single writer."""
        ...

    async def get(self, name: str) -> Entry | None:
        """Return the record, or None."""
        ...

    async def write_blob(self, path: str, data: bytes) -> None:
        """Store bytes durably; they can be read everywhere when this returns."""
        ...

    async def read_blob(self, path: str) -> bytes | None:
        """Return the bytes, or None if there are none."""
        ...

    async def sweep(self, blob_seconds: float, record_seconds: float) -> None:
        """Remove blobs and records older than this; keep younger ones from expiring."""
        ...


@dataclass(frozen=True)
class CallStatus:
    """What the platform says about a call."""

    state: Literal["pending", "returned", "failed"]
    detail: str = ""


class Runner(Protocol):
    """Starts calls of the GPU function and asks about them."""

    async def spawn(self, key: str) -> str:
        """Start a call that runs the job `key`, without waiting. Returns its call id."""
        ...

    async def status(self, call_id: str) -> CallStatus:
        """Say whether a call is over. `failed` means that it will never run (again)."""
        ...

    async def cancel(self, call_id: str) -> None:
        """Stop a call and do not start it again. A call that is over is left alone."""
        ...


@dataclass(frozen=True)
class WebRequest:
    """A complete HTTP request, small enough to travel in a remote call."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class WebResponse:
    """A complete HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Upstream(Protocol):
    """The wrapped app, for the routes that are not ours."""

    async def forward(self, request: WebRequest) -> WebResponse:
        """Answer a request as the wrapped app does."""
        ...
