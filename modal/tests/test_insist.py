"""A finished picture is paid for. A store that is away for a while must not throw it away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memory import MemoryRunner, MemoryStore
from modal_named_jobs.bodies import JobBody
from modal_named_jobs.config import Settings
from modal_named_jobs.jobs import NamedJobs
from modal_named_jobs.ports import WebRequest, WebResponse
from modal_named_jobs.runs import JobRun
from virtual_time import now, run_virtual

if TYPE_CHECKING:
    from modal_named_jobs.ports import Entry

BODY = JobBody.parse(b'{"path": "/flux-dev", "body": {"seed": 1}}')
SETTINGS = Settings(usd_per_second=0.5)


class Outage(Exception):
    """Volume busy, upload timeout, no route."""


class ShakyStore(MemoryStore):
    """Some writes fail until a time; some are made and their answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.blobs_from = 0.0
        self.names_from: dict[str, float] = {}
        self.answer_lost: set[str] = set()
        self.tries: list[float] = []

    def _try(self, back_at: float) -> None:
        self.tries.append(now())
        if now() < back_at:
            raise Outage

    async def write_blob(self, path: str, data: bytes) -> None:
        self._try(self.blobs_from)
        await super().write_blob(path, data)

    async def put_once(self, name: str, value: Entry) -> bool:
        kind = name.partition("/")[0]
        if kind in self.names_from:
            self._try(self.names_from[kind])
        won = await super().put_once(name, value)
        if kind in self.answer_lost:
            self.answer_lost.remove(kind)
            raise Outage
        return won


class Work:
    """One accepted job, its route and its run."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.store = ShakyStore()
        self.settings = settings
        self.named = NamedJobs(self.store, MemoryRunner(), settings)
        self.routed = 0

    async def route(self, _request: WebRequest) -> WebResponse:
        self.routed += 1
        await asyncio.sleep(10)
        return WebResponse(200, [("content-type", "image/png")], b"picture")

    async def start(self, **more: Any) -> asyncio.Task[bool]:
        await self.named.accept("k", BODY)
        job = JobRun(self.store, "k", "fc-1", self.route, self.settings, clock=now, **more)
        return asyncio.create_task(job.run())

    async def state(self) -> dict[str, Any]:
        return (await self.named.look("k")).to_json()


def test_a_busy_volume_does_not_cost_the_picture() -> None:
    async def main() -> None:
        work = Work()
        work.store.blobs_from = 10 + 75
        assert await (await work.start()) is True
        job = await work.state()
        assert (job["state"], job["runs"], job["error"]) == ("succeeded", 1, None)
        assert (await work.named.result("k"))[1] == b"picture"
        assert work.routed == 1
        assert job["seconds"] >= 85  # the container was held, and that is billed

    run_virtual(main())


def test_an_end_that_cannot_be_written_at_once_is_written_later() -> None:
    async def main() -> None:
        work = Work()
        work.store.names_from["end"] = 10 + 75
        assert await (await work.start()) is True
        job = await work.state()
        assert (job["state"], job["runs"], work.routed) == ("succeeded", 1, 1)

    run_virtual(main())


def test_an_end_whose_answer_was_lost_stays_the_end() -> None:
    async def main() -> None:
        work = Work()
        work.store.answer_lost.add("end")
        assert await (await work.start()) is True
        assert (await work.state())["state"] == "succeeded"

    run_virtual(main())


def test_a_failure_of_the_route_is_written_as_patiently() -> None:
    async def main() -> None:
        work = Work()

        async def route(_request: WebRequest) -> WebResponse:
            return WebResponse(500, [], b"CUDA out of memory")

        work.route = route  # type: ignore[method-assign]
        work.store.names_from["end"] = 60
        assert await (await work.start()) is True
        assert (await work.state())["error"]["code"] == "route_error"

    run_virtual(main())


def test_the_pauses_grow_and_end() -> None:
    async def main() -> None:
        work = Work()
        work.store.blobs_from = float("inf")
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(seconds)

        assert await (await work.start(sleep=sleep)) is True
        assert sum(pauses) == pytest.approx(SETTINGS.insist_for) == 90
        assert pauses[:6] == [0.5, 1, 2, 4, 8, 10]
        assert len(work.store.tries) == len(pauses) + 1
        job = await work.state()
        assert (job["state"], job["error"]["code"]) == ("failed", "runner_error")
        assert "Outage" in job["error"]["body"]

    run_virtual(main())


def test_an_end_that_can_never_be_written_fails_the_call_only_then() -> None:
    async def main() -> None:
        work = Work(replace(SETTINGS, insist_for=300))
        work.store.names_from["end"] = float("inf")
        with pytest.raises(Outage):
            await (await work.start())
        assert now() == pytest.approx(310)

    run_virtual(main())


def test_a_run_shows_life_while_it_holds_its_picture() -> None:
    """Were it killed then, the seconds until there would be counted."""

    async def main() -> None:
        work = Work()
        work.store.blobs_from = 60
        run = await work.start()
        await asyncio.sleep(50)
        beat, run_entry = work.store.entries["beat/k/1"], work.store.entries["run/k/1"]
        assert set(beat) == {"at"}
        assert run_entry["kind"] == "run"
        assert len(beats) > 8
        await run

    beats: list[str] = []
    original = MemoryStore.put

    async def put(self: MemoryStore, name: str, value: Entry) -> None:
        beats.append(name)
        await original(self, name, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "put", put)
        run_virtual(main())


def test_a_cancel_ends_the_patience() -> None:
    async def main() -> None:
        work = Work()
        work.store.blobs_from = float("inf")
        run = await work.start()
        await asyncio.sleep(30)
        assert (await work.named.stop("k"))["stopped"] is True
        assert await run is True
        assert now() < 30 + 2 * SETTINGS.beat
        assert (await work.state())["state"] == "cancelled"

    run_virtual(main())


def test_the_seconds_of_an_interrupted_run_are_written_as_patiently() -> None:
    async def main() -> None:
        work = Work()
        work.store.names_from["ran"] = 40
        run = await work.start()
        await asyncio.sleep(5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert work.store.entries["ran/k/1"]["seconds"] == pytest.approx(5)

    run_virtual(main())


def test_seconds_that_cannot_be_written_do_not_hide_the_interruption() -> None:
    async def main() -> None:
        work = Work()
        work.store.names_from["ran"] = float("inf")
        run = await work.start()
        await asyncio.sleep(5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    run_virtual(main())
