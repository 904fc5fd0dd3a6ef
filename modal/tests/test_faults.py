"""Gateways and runners that die at the worst moment, and two that do the same at once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from laptop_server import until
from memory import MemoryRunner, MemoryStore
from modal_named_jobs.bodies import JobBody
from modal_named_jobs.config import Settings
from modal_named_jobs.errors import Refusal
from modal_named_jobs.jobs import NamedJobs
from modal_named_jobs.ports import CallStatus, WebRequest, WebResponse
from modal_named_jobs.runs import JobRun

if TYPE_CHECKING:
    from laptop_server import LaptopServer
    from modal_named_jobs.ports import Entry

BODY = JobBody.parse(b'{"path": "/flux-dev", "body": {"seed": 1}}')
SETTINGS = Settings(spawn_grace=0.0, beat=0.05, poll=0.01, usd_per_second=0.5)


class Died(Exception):
    """Stands for kill -9 within a test of one process."""


def put(url: str, key: str, **body: Any) -> httpx.Response:
    body = {"test_tag": key, **body}
    return httpx.put(f"{url}/jobs/{key}", json={"path": "/flux-dev", "body": body}, timeout=30)


def get(url: str, key: str, wait: int = 20) -> dict[str, Any]:
    job: dict[str, Any] = httpx.get(f"{url}/jobs/{key}?wait={wait}", timeout=70).json()
    return job


@pytest.mark.parametrize("point", ["claimed", "spawned"])
@pytest.mark.parametrize("healed_by", ["get", "put"])
def test_a_gateway_that_dies_in_a_put(own: LaptopServer, point: str, healed_by: str) -> None:
    own.start(die_at=point)
    with pytest.raises(httpx.TransportError):
        put(own.url, "k1")
    own.wait()
    own.start()
    time.sleep(0.4)  # the grace of the claim
    if healed_by == "put":
        assert put(own.url, "k1").status_code == 200
    job = get(own.url, "k1")
    assert (job["state"], job["runs"]) == ("succeeded", 1)
    time.sleep(0.5)  # a repeated spawn would have had its time
    assert own.begun("k1") == 1
    assert get(own.url, "k1") == job


def test_a_gateway_that_dies_in_a_cancel(own: LaptopServer) -> None:
    own.start(die_at="cancel-marked")
    put(own.url, "k1", test_seconds=60)
    until(lambda: own.begun("k1"))
    with pytest.raises(httpx.TransportError):
        httpx.delete(f"{own.url}/jobs/k1", timeout=30)
    own.wait()
    own.start()
    assert get(own.url, "k1", 0)["state"] == "cancelled"
    until(lambda: not own.runners())  # the run saw the mark by itself
    again = httpx.delete(f"{own.url}/jobs/k1", timeout=30).json()
    assert (again["stopped"], again["billing"]["billed"]) == (True, True)
    assert [e["event"] for e in own.journal()] == ["begin"]


def test_a_killed_runner_runs_again_and_is_counted(own: LaptopServer) -> None:
    own.start()
    put(own.url, "k1", test_seconds=1)
    until(lambda: own.begun("k1"))
    time.sleep(0.2)
    os.kill(next(iter(own.runners().values())), signal.SIGKILL)
    job = get(own.url, "k1")
    assert (job["state"], job["runs"]) == ("succeeded", 2)
    assert own.begun("k1") == 2
    assert job["seconds"] > 1.1  # the lost run is paid too


def test_a_runner_outlives_its_gateway(own: LaptopServer) -> None:
    own.start()
    put(own.url, "k1", test_seconds=1.5)
    until(lambda: own.begun("k1"))
    own.kill()
    own.start()
    job = get(own.url, "k1")
    assert (job["state"], job["runs"], own.begun("k1")) == ("succeeded", 1, 1)


def test_a_runner_that_always_dies_is_given_up(own: LaptopServer) -> None:
    own.start()
    httpx.put(f"{own.url}/jobs/k1", json={"path": "/crash", "body": {}}, timeout=30)
    job = get(own.url, "k1", 60)
    assert (job["state"], job["error"]["code"]) == ("failed", "runner_lost")
    assert job["runs"] == 20
    assert "died 20 times" in job["error"]["body"]


def test_many_puts_at_once_run_once(own: LaptopServer) -> None:
    own.start()

    async def race() -> list[int]:
        async with httpx.AsyncClient(base_url=own.url, timeout=30) as client:
            body = {"path": "/flux-dev", "body": {"test_tag": "k1"}}
            answers = await asyncio.gather(*(client.put("/jobs/k1", json=body) for _ in range(20)))
            return sorted(a.status_code for a in answers)

    assert asyncio.run(race()) == [200] * 19 + [202]
    assert get(own.url, "k1")["state"] == "succeeded"
    assert own.begun("k1") == 1


def test_claim_and_void_race_for_one_entry(own: LaptopServer) -> None:
    own.start()

    async def race(key: str) -> tuple[int, int]:
        async with httpx.AsyncClient(base_url=own.url, timeout=30) as client:
            body = {"path": "/flux-dev", "body": {"test_tag": key}}
            both = [client.put(f"/jobs/{key}", json=body), client.post(f"/jobs/{key}/void")]
            if int(key) % 2:
                both.reverse()
            answers = await asyncio.gather(*both)
            codes = [a.status_code for a in answers]
            return (codes[1], codes[0]) if int(key) % 2 else (codes[0], codes[1])

    async def all_races() -> list[tuple[int, int]]:
        return [await race(str(i)) for i in range(20)]

    outcomes = asyncio.run(all_races())
    assert set(outcomes) <= {(202, 409), (410, 200)}
    for i, (put_code, _) in enumerate(outcomes):
        if put_code == 202:
            assert get(own.url, str(i))["state"] == "succeeded"
    assert [own.begun(str(i)) for i in range(20)] == [int(p == 202) for p, _ in outcomes]


# From here on without processes: what the protocol does, one step at a time.


async def answer(_request: WebRequest) -> WebResponse:
    return WebResponse(200, [("content-type", "image/png"), ("X-Steps", "4")], b"picture")


def run(store: MemoryStore, call: str, route: Any = answer, key: str = "k") -> Any:
    return JobRun(store, key, call, route, SETTINGS).run()


def jobs(store: MemoryStore, runner: MemoryRunner, **more: Any) -> NamedJobs:
    return NamedJobs(store, runner, SETTINGS, **more)


async def test_a_second_call_for_the_job_returns_without_running() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    ran: list[bytes] = []
    named = jobs(store, runner)
    await named.accept("k", BODY)

    async def route(request: WebRequest) -> WebResponse:
        ran.append(request.body)
        await asyncio.sleep(0.02)
        return await answer(request)

    results = await asyncio.gather(*(run(store, f"fc-{i}", route) for i in (1, 2, 3)))
    assert sorted(results) == [False, False, True]
    assert ran == [b'{"seed":1}']
    assert (await named.look("k")).to_json()["runs"] == 1
    assert await run(store, "fc-1") is False  # a late repeat of the winner neither


async def test_a_call_that_is_lost_fails_the_job() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    await named.accept("k", BODY)
    hang = asyncio.create_task(run(store, "fc-1", lambda _: asyncio.sleep(60)))
    await asyncio.sleep(0.02)
    assert (await named.look("k")).state == "running"
    runner.statuses["fc-1"] = CallStatus("failed", "FunctionTimeoutError: 1800 s")
    job = (await named.look("k")).to_json()
    assert job["state"] == "failed"
    assert job["error"] == {
        "status": None,
        "contentType": None,
        "body": "FunctionTimeoutError: 1800 s",
        "code": "runner_lost",
    }
    assert await asyncio.wait_for(hang, 2) is True  # the zombie sees the end and stops
    assert await run(store, "fc-1") is False
    assert (await named.look("k")).to_json()["runs"] == 1


async def test_calls_that_vanish_are_spawned_again_a_few_times() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    await named.accept("k", BODY)
    for n in range(1, 5):
        runner.statuses[f"fc-{n}"] = CallStatus("failed", "ImportError")
        view = await named.look("k")
        assert (view.state, len(runner.spawned)) == ("queued", n + 1)
    runner.statuses["fc-5"] = CallStatus("failed", "ImportError")
    job = (await named.look("k")).to_json()
    assert (job["state"], job["error"]["code"], job["runs"]) == ("failed", "runner_lost", 0)
    assert job["costUsd"] == 0
    assert await run(store, "fc-6") is False


async def test_gateways_that_heal_at_once_spawn_once() -> None:
    store, runner = MemoryStore(), MemoryRunner()

    def die(point: str) -> None:
        if point == "claimed":
            raise Died

    with pytest.raises(Died):
        await jobs(store, runner, fault=die).accept("k", BODY)
    assert runner.spawned == []
    await asyncio.gather(*(jobs(store, runner).look("k") for _ in range(8)))
    assert len(runner.spawned) == 1


async def test_a_cancel_against_a_start_is_billed_as_it_was() -> None:
    """Either the run began and is billed, or it never begins. In whatever order things happen."""
    for delay in range(40):
        store, runner = MemoryStore(), MemoryRunner()
        ran: list[int] = []
        named = jobs(store, runner)
        await named.accept("k", BODY)

        async def route(request: WebRequest, ran: list[int] = ran) -> WebResponse:
            ran.append(1)
            await asyncio.sleep(60)
            return await answer(request)

        async def late(named: NamedJobs = named, delay: int = delay) -> dict[str, Any]:
            for _ in range(delay):
                await asyncio.sleep(0)
            return await named.stop("k")

        running = asyncio.create_task(run(store, "fc-1", route))
        stopped = await late()
        await asyncio.wait([running], timeout=2)
        assert stopped["stopped"] is True
        assert stopped["billing"]["billed"] == bool(stopped["runs"])
        if not stopped["billing"]["billed"]:
            assert ran == []
        assert (await named.look("k")).to_json()["runs"] == stopped["runs"]


class Crossing(MemoryStore):
    """A stop writes the end while a run, that saw none, is on its way into the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.coming, self.ended, self.entered = (asyncio.Event() for _ in range(3))

    async def put_once(self, name: str, value: Entry) -> bool:
        kind = value.get("kind")
        if kind == "run":
            self.coming.set()
            await self.ended.wait()
        elif kind == "closed":
            await self.entered.wait()
        won = await super().put_once(name, value)
        if name == "end/k":
            self.ended.set()
        elif kind == "run":
            self.entered.set()
        return won


async def test_a_run_that_a_stop_crosses_uses_nothing() -> None:
    """It is told as 0 seconds: the run is entered after the end."""
    store, ran = Crossing(), []
    named = jobs(store, MemoryRunner())
    await named.accept("k", BODY)

    async def route(request: WebRequest) -> WebResponse:
        ran.append(request)
        return await answer(request)

    running = asyncio.create_task(run(store, "fc-1", route))
    await store.coming.wait()
    stopped = await named.stop("k")
    assert await running is False
    assert (stopped["runs"], stopped["billing"]["seconds"], ran) == (1, 0, [])


async def test_a_second_look_that_fails_holds_no_run_up() -> None:
    class Shaky(MemoryStore):
        async def get(self, name: str) -> Entry | None:
            if name == "end/k" and "run/k/1" in self.entries and "end/k" not in self.entries:
                raise ConnectionError
            return await super().get(name)

    store = Shaky()
    await jobs(store, MemoryRunner()).accept("k", BODY)
    assert await run(store, "fc-1") is True
    assert store.entries["end/k"]["state"] == "succeeded"


async def test_a_result_before_a_cancel_wins() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    await named.accept("k", BODY)
    stop_after_blob = asyncio.Event()
    original = store.write_blob

    async def write_blob(path: str, data: bytes) -> None:
        await original(path, data)
        if path.startswith("results/"):
            stop_after_blob.set()
            await asyncio.sleep(0)

    store.write_blob = write_blob  # type: ignore[method-assign]
    running = asyncio.create_task(run(store, "fc-1"))
    await stop_after_blob.wait()
    stopped = await named.stop("k")
    await running
    final = (await named.look("k")).to_json()
    assert final["state"] == stopped["state"]
    assert stopped["stopped"] == (final["state"] == "cancelled")


async def test_the_runner_keeps_its_own_faults() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    await named.accept("k", BODY)

    async def route(_request: WebRequest) -> WebResponse:
        raise RuntimeError("ComfyUI is not there")

    assert await run(store, "fc-1", route) is True
    job = (await named.look("k")).to_json()
    assert job["error"]["code"] == "runner_error"
    assert "ComfyUI is not there" in job["error"]["body"]


async def test_an_error_body_is_capped() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    await jobs(store, runner).accept("k", BODY)

    async def route(_request: WebRequest) -> WebResponse:
        return WebResponse(500, [], b"x" * 200_000)

    await run(store, "fc-1", route)
    job = (await jobs(store, runner).look("k")).to_json()
    assert len(job["error"]["body"]) == 65_536


async def test_a_repeated_write_knows_its_own_entry() -> None:
    """The client library repeats a put whose answer was lost. The first claim must stay first."""
    store, runner = MemoryStore(), MemoryRunner()
    original = store.put_once

    async def answered_twice(name: str, value: Any) -> bool:
        await original(name, value)
        return await original(name, value)

    store.put_once = answered_twice  # type: ignore[method-assign]
    first, _ = await jobs(store, runner).accept("k", BODY)
    assert first
    assert await run(store, "fc-1") is True
    assert (await jobs(store, runner).look("k")).state == "succeeded"


async def test_a_body_over_the_limit_of_a_claim_is_stored_first() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    big = JobBody.parse(b'{"path": "/x", "body": "%s"}' % (b"a" * 400_000))

    def die(point: str) -> None:
        assert point == "claimed"
        assert len(store.blobs) == 1
        raise Died

    with pytest.raises(Died):
        await jobs(store, runner, fault=die).accept("k", big)
    assert len(str(store.entries["job/k"])) < 1000


async def test_one_sweep_in_a_period() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    swept = await asyncio.gather(*(jobs(store, runner).sweep_sometimes() for _ in range(5)))
    assert (sorted(swept), store.swept) == ([False] * 4 + [True], 1)


async def test_a_cost_of_several_runs_adds_up() -> None:
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    await named.accept("k", BODY)
    entry = {"kind": "run", "call": "fc-1", "at": time.time() - 10, "beat": 1, "nonce": "x"}
    store.entries["run/k/1"] = entry
    store.entries["beat/k/1"] = {"at": entry["at"] + 4}  # type: ignore[operator]

    async def route(request: WebRequest) -> WebResponse:
        got = await answer(request)
        return WebResponse(200, [*got.headers, ("X-Cost-USD", "0.25")], got.body)

    await run(store, "fc-1", route)
    job = (await named.look("k")).to_json()
    assert job["runs"] == 2
    assert job["seconds"] == pytest.approx(5, abs=0.1)  # four, and at most one beat more
    assert job["costUsd"] == pytest.approx(0.25 + 5 * 0.5, abs=0.01)
    assert job["headers"] == {"x-steps": "4", "x-cost-usd": "0.25"}


async def test_the_body_limit() -> None:
    from starlette.applications import Starlette

    from modal_named_jobs.asgi import InProcessApp
    from modal_named_jobs.gateway import create_gateway

    named = NamedJobs(MemoryStore(), MemoryRunner(), Settings(max_body=100))
    gateway = create_gateway(named, InProcessApp(Starlette()), "x")
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        said = await client.put("/jobs/k", content=b"x" * 101)

        async def stream() -> Any:
            for _ in range(11):
                yield b"x" * 10

        unsaid = await client.put("/jobs/k", content=stream())
    for refused in (said, unsaid):
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


async def test_a_void_after_the_body_was_read_wins() -> None:
    """The PUT has looked (nothing there), then travels slowly; the void gets in between."""
    store, runner = MemoryStore(), MemoryRunner()
    named = jobs(store, runner)
    original = store.put_once

    async def slow(name: str, value: Any) -> bool:
        if name == "job/k" and value["kind"] == "job":
            await jobs(store, runner).void("k")
        return await original(name, value)

    store.put_once = slow  # type: ignore[method-assign]
    with pytest.raises(Refusal) as refused:
        await named.accept("k", BODY)
    assert (refused.value.status, refused.value.body["code"]) == (410, "voided")
    assert runner.spawned == []
