"""One reader for each job that somebody waits for, however many wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .records import JobView

log = logging.getLogger(__name__)


@dataclass
class _Watch:
    waiters: int
    wake: asyncio.Event
    ended: asyncio.Future[JobView]
    reader: asyncio.Task[None] | None = None  # kept, or the loop would drop the task


class Watches:
    """Long polls of one process. The readers live only while somebody waits."""

    def __init__(
        self,
        read: Callable[[str, bool], Awaitable[JobView | None]],
        pause: Callable[[float], float],
        heal_pause: Callable[[float], float],
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            read: Returns the job if it has ended; with True it is repaired first.
            pause: Seconds until the next read of a job of this age.
            heal_pause: Seconds until the next repair of a job of this age.
            clock: Now, by the clock that wrote the time of the claim.

        """
        self._read = read
        self._pause = pause
        self._heal_pause = heal_pause
        self._clock = clock
        self._watches: dict[str, _Watch] = {}

    async def wait(self, key: str, since: float, seconds: float) -> JobView | None:
        """Return the job, accepted at `since`, when it ends; None if it does not in that time."""
        watch = self._watches.get(key)
        if watch is None:
            loop = asyncio.get_running_loop()
            watch = self._watches[key] = _Watch(0, asyncio.Event(), loop.create_future())
            watch.reader = loop.create_task(self._follow(key, since, watch))
        watch.waiters += 1
        try:
            # Not wait_for: the future belongs to all who wait.
            await asyncio.wait([watch.ended], timeout=seconds)
        finally:
            watch.waiters -= 1
            if not watch.waiters:
                self._forget(key, watch)
                watch.wake.set()  # not a cancel: the reader may be in the middle of a repair
        return watch.ended.result() if watch.ended.done() else None

    def nudge(self, key: str) -> None:
        """Have the job read at once: this process has just changed it."""
        watch = self._watches.get(key)
        if watch is not None:
            watch.wake.set()

    async def _follow(self, key: str, since: float, watch: _Watch) -> None:
        loop = asyncio.get_running_loop()
        healed = loop.time()  # whoever waits has looked before
        try:
            while True:
                with contextlib.suppress(asyncio.TimeoutError):
                    pause = self._pause(self._clock() - since)
                    await asyncio.wait_for(watch.wake.wait(), pause)
                if not watch.waiters:
                    return
                watch.wake.clear()
                due = loop.time() - healed >= self._heal_pause(self._clock() - since)
                if due:
                    healed = loop.time()
                try:
                    view = await self._read(key, due)
                except Refusal as refusal:
                    if watch.waiters:
                        watch.ended.set_exception(refusal)
                    return
                except Exception as error:  # noqa: BLE001 - the next look may get through
                    log.warning("could not look at job %s: %r", key, error)
                    continue
                if view is not None:
                    watch.ended.set_result(view)
                    return
        finally:
            self._forget(key, watch)

    def _forget(self, key: str, watch: _Watch) -> None:
        """Have the next who waits begin a new watch, even if this one hangs in a read."""
        if self._watches.get(key) is watch:
            del self._watches[key]
