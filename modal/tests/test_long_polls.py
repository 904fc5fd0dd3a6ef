"""What waiting costs. In virtual time, with a store that counts."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from memory import MemoryRunner, MemoryStore
from modal_named_jobs.bodies import JobBody
from modal_named_jobs.config import Settings
from modal_named_jobs.errors import Refusal
from modal_named_jobs.jobs import NamedJobs
from modal_named_jobs.ports import CallStatus
from virtual_time import now, run_virtual

if TYPE_CHECKING:
    from modal_named_jobs.ports import Entry
    from modal_named_jobs.records import JobView

BODY = JobBody.parse(b'{"path": "/flux-dev", "body": {"seed": 1}}')
SETTINGS = Settings()


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[float, str]] = []
        self.away = False
        self.stuck = False

    async def get(self, name: str) -> Entry | None:
        self.reads.append((now(), name))
        if self.away:
            raise OSError("no route")
        if self.stuck:
            await asyncio.sleep(10_000)
        return await super().get(name)


class CountingRunner(MemoryRunner):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    async def status(self, call_id: str) -> CallStatus:
        self.asked.append(now())
        return await super().status(call_id)


class World:
    """One gateway and its jobs."""

    def __init__(self) -> None:
        self.store, self.runner = CountingStore(), CountingRunner()
        self.jobs = NamedJobs(self.store, self.runner, SETTINGS, clock=now)

    async def accept(self, key: str = "k", *, running: bool = True) -> None:
        await self.jobs.accept(key, BODY)
        if running:
            call = self.runner.spawned[-1][0]
            self.store.entries[f"run/{key}/1"] = {
                "kind": "run",
                "call": call,
                "at": now(),
                "beat": 5,
                "nonce": "x",
            }
        self.store.reads.clear()

    def end(self, key: str = "k") -> None:
        """Write the end as another process does: nobody here is told."""
        end: dict[str, Any] = {"state": "succeeded", "at": now(), "run": 1, "runSeconds": 1.0}
        self.store.entries[f"end/{key}"] = {**end, "nonce": "y"}

    def polls(self) -> list[float]:
        return [at for at, name in self.store.reads if name == "end/k"]


async def cost(*, running: bool, age: float, waiters: int = 1) -> tuple[int, int]:
    """Count the reads and the questions to the platform in one long poll of 25 s."""
    world = World()
    await world.accept(running=running)
    await asyncio.sleep(age)
    world.store.reads.clear()
    await asyncio.gather(*(world.jobs.look("k", 25) for _ in range(waiters)))
    assert now() == pytest.approx(age + 25)
    return len(world.store.reads), len(world.runner.asked)


# The same measurement of the version without watches: 79 reads and 5 questions for a queued job,
# 97 and 5 for a running one, each times the waiters.
@pytest.mark.parametrize(
    ("running", "age", "reads", "asked"),
    [(False, 0, 44, 3), (True, 0, 48, 3), (False, 60, 23, 2), (True, 60, 26, 2)],
)
def test_what_one_waiting_job_costs(running: bool, age: float, reads: int, asked: int) -> None:
    assert run_virtual(cost(running=running, age=age)) == (reads, asked)


def test_many_who_wait_for_one_job_share_a_reader() -> None:
    one, asked_by_one = run_virtual(cost(running=True, age=60))
    many, asked = run_virtual(cost(running=True, age=60, waiters=50))
    each_for_itself = 12  # the state when it comes, and the state when it leaves
    assert many - one <= 49 * each_for_itself
    assert asked - asked_by_one <= 49


def test_the_looks_slow_down() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        await world.jobs.look("k", 60)
        polls = world.polls()
        gaps = [b - a for a, b in itertools.pairwise(polls) if b - a > 0.01]
        assert gaps[0] == pytest.approx(0.25)
        assert max(gaps) == pytest.approx(2.5, abs=0.01)
        assert len(polls) < 60

    run_virtual(main())


def test_a_second_poll_goes_on_as_slowly() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        await world.jobs.look("k", 25)
        world.store.reads.clear()
        await world.jobs.look("k", 25)
        assert len(world.polls()) < 16

    run_virtual(main())


@pytest.mark.parametrize("ends_at", [0.1, 1, 5, 20, 24.9, 55])
def test_an_end_is_answered_soon(ends_at: float) -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        waiting = [asyncio.create_task(world.jobs.look("k", 60)) for _ in range(3)]
        await asyncio.sleep(ends_at)
        world.end()
        views = await asyncio.gather(*waiting)
        assert [view.state for view in views] == ["succeeded"] * 3
        assert now() - ends_at <= max(0.25, min(0.15 * ends_at / 0.85, 2.5)) + 0.01

    run_virtual(main())


def test_a_cancel_here_is_answered_at_once() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        waiting = asyncio.create_task(world.jobs.look("k", 60))
        await asyncio.sleep(30.1)
        told = await world.jobs.stop("k")
        view: JobView = await waiting
        assert (view.state, told["stopped"]) == ("cancelled", True)
        assert now() == pytest.approx(30.1, abs=0.01)

    run_virtual(main())


def test_a_lost_call_ends_the_wait_of_all() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        waiting = [asyncio.create_task(world.jobs.look("k", 60)) for _ in range(3)]
        await asyncio.sleep(30)
        world.runner.statuses["fc-1"] = CallStatus("failed", "gone")
        views = await asyncio.gather(*waiting)
        assert [view.to_json()["error"]["code"] for view in views] == ["runner_lost"] * 3
        assert now() - 30 <= SETTINGS.status_slowest + SETTINGS.poll_slowest

    run_virtual(main())


def test_a_store_that_is_away_for_a_moment_ends_no_wait() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        waiting = asyncio.create_task(world.jobs.look("k", 60))
        await asyncio.sleep(10)
        world.store.away = True
        await asyncio.sleep(10)
        world.store.away = False
        world.end()
        assert (await waiting).state == "succeeded"
        assert now() < 23

    run_virtual(main())


def test_records_that_are_gone_end_the_wait_of_all() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        waiting = [asyncio.create_task(world.jobs.look("k", 60)) for _ in range(2)]
        await asyncio.sleep(10)
        world.store.entries.clear()
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, Refusal)
            assert answer.status == 404
        assert now() < 30

    run_virtual(main())


def test_each_waits_as_long_as_it_asked() -> None:
    async def main() -> None:
        world = World()
        await world.accept()

        async def timed(wait: float) -> float:
            assert (await world.jobs.look("k", wait)).state == "running"
            return now()

        assert await asyncio.gather(*map(timed, (1, 10, 30))) == pytest.approx([1, 10, 30])

    run_virtual(main())


def test_nobody_waits_and_nobody_reads() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        gone = asyncio.create_task(world.jobs.look("k", 60))
        await asyncio.sleep(5)
        gone.cancel()  # the client hung up
        await world.jobs.look("k", 5)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        world.store.reads.clear()
        await asyncio.sleep(100)
        assert world.store.reads == []

    run_virtual(main())


def test_a_look_that_hangs_does_not_hold_those_who_come_later() -> None:
    async def main() -> None:
        world = World()
        await world.accept()
        first = asyncio.create_task(world.jobs.look("k", 10))
        await asyncio.sleep(5)
        world.store.stuck = True
        await asyncio.sleep(4)
        world.store.stuck = False
        await first
        second = asyncio.create_task(world.jobs.look("k", 60))
        await asyncio.sleep(5)
        world.end()
        assert (await second).state == "succeeded"
        assert now() < 20

    run_virtual(main())


def test_a_put_is_quick_while_a_thousand_wait() -> None:
    """The loop must stay free. Counted in CPU time: the machine of a test may be busy."""

    async def main() -> float:
        world = World()
        for n in range(1000):
            await world.accept(f"w{n}")
        waiting = [asyncio.create_task(world.jobs.look(f"w{n}", 60)) for n in range(1000)]
        await asyncio.sleep(3)
        before = time.process_time()
        first, _ = await world.jobs.accept("late", BODY)
        took = time.process_time() - before
        assert first
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return took

    assert asyncio.run(main()) < 1
