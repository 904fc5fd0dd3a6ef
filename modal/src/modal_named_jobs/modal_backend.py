"""The two interfaces on Modal: a Dict for records, a Volume for blobs, spawned calls as runs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time
from typing import TYPE_CHECKING, Any, cast

import grpclib.exceptions
import modal
import modal.exception
import modal.experimental

from .modal_private import raised_remotely
from .ports import CallStatus, WebRequest, WebResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ports import Entry

log = logging.getLogger(__name__)

_OVER = (
    modal.exception.FunctionTimeoutError,
    modal.exception.OutputExpiredError,
    modal.exception.NotFoundError,
    modal.exception.RemoteError,
    modal.exception.InternalFailure,
    modal.exception.ExecutionError,
    modal.exception.InputCancellation,
)
_TRANSPORT = (
    OSError,
    asyncio.TimeoutError,
    grpclib.exceptions.GRPCError,
    grpclib.exceptions.StreamTerminatedError,
    modal.exception.Error,
)


class ModalStore:
    """Records in a `modal.Dict`, blobs in a `modal.Volume`.

    The Volume is used through its API and not mounted: a blob is there for every container when
    the upload returns, and no `commit` or `reload` can be forgotten.
    """

    def __init__(self, records: modal.Dict, blobs: modal.Volume) -> None:
        """Use this Dict and this Volume."""
        self._records = records
        self._blobs = blobs

    async def put_once(self, name: str, value: Entry) -> bool:
        """Store unless the name is taken; decided by Modal's server."""
        return bool(await self._records.put.aio(name, value, skip_if_exists=True))

    async def put(self, name: str, value: Entry) -> None:
        """Store, replacing."""
        await self._records.put.aio(name, value)

    async def get(self, name: str) -> Entry | None:
        """Return the record. A read also renews the seven days that an entry lives."""
        return cast("Entry | None", await self._records.get.aio(name))

    async def write_blob(self, path: str, data: bytes) -> None:
        """Upload one file."""
        async with self._blobs.batch_upload(force=True) as batch:
            batch.put_file(io.BytesIO(data), f"/{path}")

    async def read_blob(self, path: str) -> bytes | None:
        """Download one file, or None."""
        try:
            return b"".join([chunk async for chunk in self._blobs.read_file.aio(path)])
        except FileNotFoundError:
            return None

    async def sweep(self, blob_seconds: float, record_seconds: float) -> None:  # noqa: ARG002
        """Remove old files. Dict entries expire by themselves."""
        before = time.time() - blob_seconds
        for folder in ("results", "bodies"):
            with contextlib.suppress(modal.exception.NotFoundError):  # nothing stored yet
                old = [
                    entry.path
                    async for entry in self._blobs.iterdir.aio(f"/{folder}")
                    if entry.mtime < before
                ]
                for path in old:
                    with contextlib.suppress(FileNotFoundError, modal.exception.NotFoundError):
                        await self._blobs.remove_file.aio(path)


class ModalRunner:
    """Calls of the GPU function. Also the way to the wrapped app's other routes."""

    def __init__(self, function: Callable[[], modal.Function[Any, Any, Any]]) -> None:
        """Use the function; it is looked up late, when the app is known to the container."""
        self._function = function

    async def spawn(self, key: str) -> str:
        """Spawn a call that runs the job."""
        call = await self._function().spawn.aio("run", key)
        return str(call.object_id)

    async def status(self, call_id: str) -> CallStatus:
        """Ask Modal whether the call is over."""
        call = modal.FunctionCall.from_id(call_id)
        try:
            await call.get.aio(timeout=0)
        except BaseException as error:
            # First: a remote error comes in its own type, which may be any of those below.
            if isinstance(error, _OVER) or raised_remotely(error):
                return CallStatus("failed", _words(error))
            if not isinstance(error, Exception):
                raise  # our own question was cancelled
            if isinstance(error, TimeoutError) and not error.args:
                return CallStatus("pending")  # the client's word for "not yet"
            if isinstance(error, _TRANSPORT):
                log.warning("Modal could not say how call %s stands: %r", call_id, error)
                return CallStatus("pending")
            return CallStatus("failed", _words(error))
        return CallStatus("returned")

    async def cancel(self, call_id: str) -> None:
        """Cancel the call. The container goes on: it may hold other people's runs."""
        with contextlib.suppress(modal.exception.NotFoundError):
            await modal.FunctionCall.from_id(call_id).cancel.aio()

    async def forward(self, request: WebRequest) -> WebResponse:
        """Have the wrapped app answer a request in the GPU container."""
        try:
            return cast("WebResponse", await self._function().remote.aio("forward", request))
        except BaseException as error:
            if isinstance(error, Exception) or not raised_remotely(error):
                raise
            # A `sys.exit` over there would end the gateway here.
            raise RuntimeError(_words(error)) from error


async def end_container() -> None:
    """Have Modal give this container no more calls; it ends when those it has are over.

    A container that fails at once would be given the most calls. Modal's client does the same when
    the server of a `@modal.web_server` is gone.
    """
    log.error("the app failed to start twice; this container ends")
    try:
        await modal.experimental.stop_fetching_inputs.aio()
    except Exception:
        log.exception("the container could not be ended; the next failure tries again")


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]
