"""The gateway and the runner over the Modal backend, with stand-ins for Modal's objects."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import modal
import modal.exception
import pytest

import sample_app
from fake_modal import NOT_YET, FakeDict, FakeFunction, FakeVolume, crashed, real_call
from modal_named_jobs import decorator, insist
from modal_named_jobs.asgi import InProcessApp
from modal_named_jobs.config import Settings
from modal_named_jobs.gateway import create_gateway
from modal_named_jobs.jobs import NamedJobs
from modal_named_jobs.modal_backend import ModalRunner, ModalStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = Settings(
    poll=0.01,
    status_every=0.05,
    status_slowest=0.05,
    spawn_grace=0.05,
    beat=0.05,
    usd_per_second=0.000542,
)


class World:
    """One Modal app: its storage, its GPU function and its gateway."""

    def __init__(self) -> None:
        self.records = FakeDict()
        self.volume = FakeVolume()
        self.web = InProcessApp(sample_app.app)
        self.function = FakeFunction(self.entry)
        store: Any = (self.records, self.volume)
        self.store = ModalStore(*store)
        function: Any = self.function
        self.runner = ModalRunner(lambda: function)
        self.jobs = NamedJobs(self.store, self.runner, SETTINGS)
        gateway = create_gateway(self.jobs, self.runner, "ryla-flux")
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(gateway), base_url="http://gateway"
        )

    async def entry(self, call_id: str, operation: str, payload: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(modal, "current_function_call_id", lambda: call_id)
            work = decorator.serve_entry(self.web, self.store, SETTINGS, operation, payload)
            running = asyncio.ensure_future(work)
            await asyncio.sleep(0)  # the id is read before the first wait
        return await running

    async def put(self, key: str, path: str = "/flux-dev", **body: Any) -> httpx.Response:
        return await self.http.put(f"/jobs/{key}", json={"path": path, "body": body})

    async def get(self, key: str, wait: float = 5) -> dict[str, Any]:
        job: dict[str, Any] = (await self.http.get(f"/jobs/{key}?wait={wait}")).json()
        return job


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World()
    monkeypatch.setattr(modal.FunctionCall, "from_id", made.function.from_id)
    yield made
    await made.http.aclose()


async def test_from_put_to_result(world: World) -> None:
    assert (await world.put("k", prompt="x")).status_code == 202
    job = await world.get("k")
    assert (job["state"], job["callId"], job["runs"]) == ("succeeded", "fc-1", 1)
    result = await world.http.get("/jobs/k/result", headers={"range": "bytes=1-3"})
    assert (result.status_code, result.content) == (206, b"PNG")
    assert (await world.put("k", prompt="x")).status_code == 200
    assert (await world.put("k", prompt="y")).status_code == 409
    assert len(world.function.calls) == 1


async def test_a_volume_that_is_busy_and_a_dict_that_does_not_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write at the end of the run fails once; the picture is delivered all the same."""
    monkeypatch.setattr(insist, "FIRST_PAUSE", 0.01)
    upload, put = world.volume.batch_upload, world.records.put.aio
    failed: set[str] = set()

    def busy(force: bool = False) -> Any:
        if "volume" not in failed:
            failed.add("volume")
            raise modal.exception.TimeoutError("the upload took too long")
        return upload(force)

    async def lost(name: str, value: Any, **more: Any) -> Any:
        won = await put(name, value, **more)
        if name == "end/k" and name not in failed:
            failed.add(name)
            raise modal.exception.ConnectionError("no answer")
        return won

    monkeypatch.setattr(world.volume, "batch_upload", busy)
    monkeypatch.setattr(world.records.put, "aio", lost)
    await world.put("k")
    job = await world.get("k")
    assert (job["state"], job["runs"], job["error"]) == ("succeeded", 1, None)
    assert failed == {"volume", "end/k"}
    assert (await world.http.get("/jobs/k/result")).content.startswith(b"\x89PNG")


async def test_a_put_returns_while_no_gpu_is_there(world: World) -> None:
    world.function.held = True
    before = time.monotonic()
    assert (await world.put("k")).json()["state"] == "queued"
    assert time.monotonic() - before < 1
    assert (await world.get("k", 0))["state"] == "queued"
    assert (await world.http.get("/health")).json()["namedJobs"] == 1
    world.function.release()
    assert (await world.get("k"))["state"] == "succeeded"


async def test_cancel_queued_and_running(world: World) -> None:
    world.function.held = True
    await world.put("q")
    queued = (await world.http.delete("/jobs/q")).json()
    assert queued["billing"] == {"billed": False, "seconds": 0.0, "costUsd": 0.0}
    world.function.release()
    world.function.held = False
    await world.put("r", test_seconds=60)
    while (await world.get("r", 0))["state"] != "running":
        await asyncio.sleep(0.01)
    running = (await world.http.delete("/jobs/r")).json()
    assert (running["stopped"], running["billing"]["billed"]) == (True, True)
    task = world.function.calls["fc-2"].task
    assert task is not None
    await asyncio.wait([task], timeout=2)
    assert task.cancelled()
    assert (await world.get("r"))["state"] == "cancelled"


async def test_a_stop_whose_cancel_fails_is_a_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is written by then, and the run sees it at its next beat."""

    async def fails() -> None:
        raise modal.exception.ServiceError("try later")

    await world.put("k", test_seconds=60)
    while (await world.get("k", 0))["state"] != "running":
        await asyncio.sleep(0.01)
    monkeypatch.setattr(world.function.calls["fc-1"].cancel, "aio", fails)
    answer = await world.http.delete("/jobs/k")
    stopped = answer.json()
    assert (answer.status_code, stopped["state"], stopped["stopped"]) == (200, "cancelled", True)
    assert stopped["billing"]["billed"] is True
    task = world.function.calls["fc-1"].task
    assert task is not None
    await asyncio.wait([task], timeout=2)
    assert task.result() is True
    assert (await world.http.delete("/jobs/k")).json() == stopped


async def test_a_void_keeps_a_late_put_out(world: World) -> None:
    assert (await world.http.post("/jobs/k/void")).status_code == 200
    assert (await world.put("k")).status_code == 410
    assert world.function.calls == {}


async def test_a_big_body_goes_to_the_volume(world: World) -> None:
    image = "a" * 6_000_000
    assert (await world.put("k", image=image)).status_code == 202
    assert (await world.get("k"))["state"] == "succeeded"
    assert any(path.startswith("bodies/") for path in world.volume.files)
    assert max(len(v) for v in world.records.pickled.values()) < 10_000


async def test_the_sweep_removes_what_is_old(world: World) -> None:
    await world.put("old")
    await world.put("new")
    await world.get("old")
    await world.get("new")
    path = next(p for p in world.volume.files if p.startswith("results/"))
    data, _ = world.volume.files[path]
    world.volume.files[path] = (data, int(time.time() - 9 * 86_400))
    await world.store.sweep(8 * 86_400, 30 * 86_400)
    answers = [await world.http.get(f"/jobs/{key}/result") for key in ("old", "new")]
    assert sorted(a.status_code for a in answers) == [200, 410]
    await ModalStore(FakeDict(), FakeVolume()).sweep(1, 1)  # type: ignore[arg-type]


async def test_other_routes_run_in_the_gpu_container(world: World) -> None:
    answer = await world.http.post("/flux-dev", json={"prompt": "x"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert (await world.http.get("/loras?limit=4")).json()["limit"] == 4


@pytest.mark.parametrize(
    "error",
    [
        modal.exception.FunctionTimeoutError("1800 s"),
        modal.exception.OutputExpiredError(),
        modal.exception.RemoteError("out of memory"),
        modal.exception.InternalFailure("worker lost"),
        modal.exception.NotFoundError("no such call"),
        modal.exception.InputCancellation(),
        ValueError("raised by the app's enter method"),
    ],
)
async def test_a_call_that_modal_calls_over(world: World, error: BaseException) -> None:
    await world.put("k", test_seconds=60)
    while (await world.get("k", 0))["state"] != "running":
        await asyncio.sleep(0.01)
    world.function.calls["fc-1"].error = error
    job = await world.get("k")
    assert (job["state"], job["error"]["code"]) == ("failed", "runner_lost")
    assert type(error).__name__ in job["error"]["body"]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("by peer"),
        modal.exception.ConnectionError("no route"),
        modal.exception.ServiceError("try later"),
        modal.exception.InternalError("500"),
        TimeoutError(),
    ],
)
async def test_a_question_that_did_not_get_through_ends_nothing(
    world: World, error: Exception
) -> None:
    world.function.held = True
    await world.put("k")
    world.function.calls["fc-1"].error = error
    assert (await world.get("k", 0.2))["state"] == "queued"
    assert len(world.function.calls) == 1


@pytest.mark.parametrize("with_lines", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError("ComfyUI not up"),
        TimeoutError(),
        ConnectionRefusedError(111, "ComfyUI is not there"),
        modal.exception.ConnectionError("no Volume"),
        SystemExit(1),
    ],
    ids=repr,
)
async def test_a_container_that_cannot_start_fails_its_jobs(
    world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException, with_lines: bool
) -> None:
    """Through the client's own code, which raises a remote error in the error's own type."""
    world.function.held = True
    answer = crashed(error, with_lines=with_lines)
    monkeypatch.setattr(modal.FunctionCall, "from_id", lambda call: real_call(call, answer))
    await world.put("k")
    job = await world.get("k")
    assert (job["state"], job["error"]["code"], job["runs"]) == ("failed", "runner_lost", 0)
    assert type(error).__name__ in job["error"]["body"]
    assert len(world.function.calls) == SETTINGS.max_spawns


async def test_an_exit_of_a_container_is_none_of_the_gateway(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def exits(*_given: Any) -> Any:
        return await real_call("fc-1", crashed(SystemExit(1), with_lines=False)).get.aio(timeout=0)

    monkeypatch.setattr(world.function.remote, "aio", exits)
    with pytest.raises(RuntimeError, match="SystemExit: 1"):
        await world.http.get("/loras")


@pytest.mark.parametrize("answer", [NOT_YET, ConnectionResetError("by peer")], ids=["bare", "os"])
async def test_an_error_of_the_client_itself_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(modal.FunctionCall, "from_id", lambda call: real_call(call, answer))
    assert (await world.runner.status("fc-1")).state == "pending"


async def test_a_question_that_is_cancelled_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        modal.FunctionCall, "from_id", lambda call: real_call(call, asyncio.CancelledError())
    )
    with pytest.raises(asyncio.CancelledError):
        await world.runner.status("fc-1")


async def test_a_repeated_delivery_of_the_same_call_counts(world: World) -> None:
    """Modal gives the input of a killed container to another one, under the same call id."""
    await world.put("k", test_seconds=0.6)
    while (await world.get("k", 0))["state"] != "running":
        await asyncio.sleep(0.01)
    assert await world.entry("fc-1", "run", "k") is True
    job = await world.get("k")
    assert (job["state"], job["runs"]) == ("succeeded", 2)
    assert await world.entry("fc-9", "run", "k") is False
