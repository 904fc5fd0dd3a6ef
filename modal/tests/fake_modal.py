"""In-memory stand-ins for Dict, Volume, Function and FunctionCall, faithful to modal 1.6.4.

Faithful in what matters here: values are pickled, `put` answers whether it created the entry,
`get(timeout=0)` raises the same errors, ids survive the object, a cancelled call is terminal.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import modal
import modal.exception
from modal._serialization import pickle_exception, pickle_traceback
from modal._utils.async_utils import synchronizer
from modal.client import _Client
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType


class Aio:
    """Offers `method.aio(...)`, as synchronicity does."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.aio = function


class FakeDict:
    def __init__(self) -> None:
        self.pickled: dict[str, bytes] = {}
        self.put = Aio(self._put)
        self.get = Aio(self._get)

    async def _put(self, key: str, value: Any, *, skip_if_exists: bool = False) -> bool:
        await asyncio.sleep(0)
        if skip_if_exists and key in self.pickled:
            return False
        created = key not in self.pickled
        self.pickled[key] = pickle.dumps(value)
        if len(self.pickled[key]) > 1024 * 1024:
            raise modal.exception.RequestSizeError("Dict.put request is too large")
        return created

    async def _get(self, key: str, default: Any = None) -> Any:
        await asyncio.sleep(0)
        return pickle.loads(self.pickled[key]) if key in self.pickled else default


@dataclass
class FakeFileEntry:
    path: str
    mtime: int


class FakeBatch:
    def __init__(self, volume: FakeVolume, force: bool) -> None:
        self._volume = volume
        self._force = force
        self._files: dict[str, bytes] = {}

    async def __aenter__(self) -> FakeBatch:
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is None:
            for path, data in self._files.items():
                if path in self._volume.files and not self._force:
                    raise FileExistsError(path)
                self._volume.files[path] = (data, int(time.time()))

    def put_file(self, local: BinaryIO, remote: str) -> None:
        self._files[remote.lstrip("/")] = local.read()


class FakeVolume:
    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, int]] = {}
        self.read_file = Aio(self._read)
        self.iterdir = Aio(self._iterdir)
        self.remove_file = Aio(self._remove)

    def batch_upload(self, force: bool = False) -> FakeBatch:
        return FakeBatch(self, force)

    async def _read(self, path: str) -> AsyncIterator[bytes]:
        if path.lstrip("/") not in self.files:
            raise FileNotFoundError(path)
        data = self.files[path.lstrip("/")][0]
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    async def _iterdir(self, path: str) -> AsyncIterator[FakeFileEntry]:
        inside = [p for p in self.files if p.startswith(path.strip("/") + "/")]
        if not inside:
            raise modal.exception.NotFoundError(path)
        for name in inside:
            yield FakeFileEntry(name, self.files[name][1])

    async def _remove(self, path: str) -> None:
        if self.files.pop(path, None) is None:
            raise modal.exception.NotFoundError(path)


class FakeCall:
    def __init__(self, object_id: str) -> None:
        self.object_id = object_id
        self.task: asyncio.Task[Any] | None = None
        self.error: BaseException | None = None
        self.get = Aio(self._get)
        self.cancel = Aio(self._cancel)

    async def _get(self, timeout: float | None = None) -> Any:
        assert timeout == 0
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if self.task is None or not self.task.done():
            raise TimeoutError
        return self.task.result()

    async def _cancel(self, terminate_containers: bool = False) -> None:
        assert not terminate_containers
        if self.task is not None:
            self.task.cancel()
        self.error = self.error or modal.exception.RemoteError("cancelled")


class FakeFunction:
    """A function whose calls run in this loop. `held` keeps them queued."""

    def __init__(self, body: Callable[[str, str, Any], Awaitable[Any]]) -> None:
        self.body = body
        self.calls: dict[str, FakeCall] = {}
        self.held = False
        self._waiting: list[tuple[FakeCall, str, Any]] = []
        self.spawn = Aio(self._spawn)
        self.remote = Aio(self._remote)

    async def _spawn(self, operation: str, payload: Any) -> FakeCall:
        call = FakeCall(f"fc-{len(self.calls) + 1}")
        self.calls[call.object_id] = call
        self._waiting.append((call, operation, pickle.loads(pickle.dumps(payload))))
        if not self.held:
            self.release()
        return call

    def release(self) -> None:
        """Give the waiting calls a container."""
        for call, operation, payload in self._waiting:
            if call.error is None:
                call.task = asyncio.ensure_future(self.body(call.object_id, operation, payload))
        self._waiting = []

    async def _remote(self, operation: str, payload: Any) -> Any:
        given = pickle.loads(pickle.dumps(payload))
        return pickle.loads(pickle.dumps(await self.body("fc-remote", operation, given)))

    def from_id(self, call_id: str) -> FakeCall:
        if call_id not in self.calls:
            lost = FakeCall(call_id)
            lost.error = modal.exception.NotFoundError(call_id)
            return lost
        return self.calls[call_id]


Outputs = api_pb2.FunctionGetOutputsResponse
NOT_YET = Outputs(num_unfinished_inputs=1)


def crashed(error: BaseException, *, with_lines: bool) -> Outputs:
    """What Modal's server says of a call whose container could not start.

    With the remote source lines if the container could send them.
    """

    def enter() -> None:
        raise error

    lines = (b"", b"")
    try:
        enter()
    except BaseException as raised:
        if with_lines:
            lines = pickle_traceback(raised, "ta-1")
    result = api_pb2.GenericResult(
        status=api_pb2.GenericResult.GENERIC_STATUS_FAILURE,
        exception=repr(error),
        data=pickle_exception(error),
        serialized_tb=lines[0],
        tb_line_cache=lines[1],
    )
    return Outputs(outputs=[api_pb2.FunctionGetOutputsItem(result=result)])


class _Server:
    """Answers the one request behind `FunctionCall.get`."""

    def __init__(self, answer: Outputs | BaseException) -> None:
        self._answer = answer

    async def FunctionGetOutputs(self, _request: Any, retry: Any = None) -> Outputs:  # noqa: N802
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


_from_id = modal.FunctionCall.from_id


def real_call(call_id: str, answer: Outputs | BaseException) -> Any:
    """The client's own `FunctionCall`, over a server that answers this."""
    client: Any = _Client("http://localhost", api_pb2.CLIENT_TYPE_CLIENT, None)
    client._opened = True
    client._control_plane_stub = _Server(answer)
    return _from_id(call_id, synchronizer._translate_out(client))  # type: ignore[no-untyped-call]
