"""What the gateway does with named jobs. No HTTP here, and nothing of Modal."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from . import errors
from .bodies import JobBody, keep_body
from .config import Settings
from .records import JobView, close_ledger, read_job, write_once
from .watches import Watches

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ports import JobStore, Runner

log = logging.getLogger(__name__)


def no_faults(_point: str) -> None:
    """Stand in for the fault points that only tests use."""


class NamedJobs:
    """Accepts, heals, shows, stops and voids jobs."""

    def __init__(
        self,
        store: JobStore,
        runner: Runner,
        settings: Settings | None = None,
        *,
        fault: Callable[[str], None] = no_faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Work on a store and a runner; `fault` and `clock` are for tests."""
        self.store = store
        self.runner = runner
        self.settings = settings or Settings()
        self._fault = fault
        self._clock = clock
        chosen = self.settings
        self._watches = Watches(self._ended, chosen.poll_pause, chosen.status_pause, clock)

    async def accept(self, key: str, body: JobBody) -> tuple[bool, JobView]:
        """Claim the key for this body and spawn its call. True if this was the first time."""
        known = await read_job(self.store, key, self.settings)
        if known is None:
            kept = await keep_body(self.store, key, body, self.settings.inline_body)
            claim = {
                "kind": "job",
                "at": self._clock(),
                "path": body.path,
                "digest": body.digest,
                "usdPerSecond": self.settings.usd_per_second,
                **kept,
            }
            won, found = await write_once(self.store, f"job/{key}", claim)
            if won:
                self._fault("claimed")
                view = JobView(key, found)
                await self._spawn(view, 1)
                return True, await self._view(key)
            known = await read_job(self.store, key, self.settings)
        if known == "void":
            raise errors.voided(key)
        if known is None or not body.same_as(known.claim):
            raise errors.other_body(key)
        return False, await self._heal(known)

    async def look(self, key: str, wait: float = 0.0) -> JobView:
        """Return the job, after at most `wait` seconds in which it had not ended."""
        view = await self._heal(await self._view(key))
        if view.end is not None or wait <= 0:
            return view
        ended = await self._watches.wait(key, view.claim["at"], wait)
        return ended or await self._view(key)

    async def result(self, key: str) -> tuple[JobView, bytes]:
        """Return the bytes of a job that succeeded."""
        view = await self._heal(await self._view(key))
        if view.end is None or view.state != "succeeded":
            raise errors.not_finished(key, view.to_json())
        data = await self.store.read_blob(view.end["path"])
        if data is None:
            raise errors.result_gone(key)
        return view, data

    async def stop(self, key: str) -> dict[str, Any]:
        """Stop a job. Says whether it is stopped and what it bills."""
        await self._view(key)
        now = self._clock()
        # First the final state: a run that starts from here on refuses by itself.
        _, end = await write_once(self.store, f"end/{key}", {"state": "cancelled", "at": now})
        self._fault("cancel-marked")
        stopped = end["state"] == "cancelled"
        if stopped:
            await close_ledger(self.store, key, "cancelled", now)
            self._watches.nudge(key)  # not before: an ended job must not change any more
        view = await self._view(key)
        if stopped:
            for call in view.calls():
                await self._cancel(key, call)
            view = await self._view(key)
        return {**view.to_json(), "stopped": stopped, "billing": view.billing()}

    async def _cancel(self, key: str, call: str) -> None:
        """Stop a call. Without it no run begins either, and one under way ends at its next beat."""
        try:
            await self.runner.cancel(call)
        except Exception as error:  # noqa: BLE001 - the job has ended, and that is to be answered
            log.warning("job %s: call %s could not be cancelled: %r", key, call, error)

    async def void(self, key: str) -> None:
        """Make sure that the key is never accepted; refused if it was."""
        won, found = await write_once(
            self.store, f"job/{key}", {"kind": "void", "at": self._clock()}
        )
        if not won and found["kind"] != "void":
            raise errors.already_accepted(key, (await self._view(key)).to_json())

    async def sweep_sometimes(self) -> bool:
        """Sweep once in a while; the first gateway of the period does it."""
        every = self.settings.sweep_every
        period = int(self._clock() // every)
        won, _ = await write_once(self.store, f"sweep/{period}", {"at": self._clock()})
        if won:
            await self.store.sweep(self.settings.keep_blobs, self.settings.keep_records)
        return won

    async def _view(self, key: str) -> JobView:
        found = await read_job(self.store, key, self.settings)
        if found is None:
            raise errors.never_accepted(key)
        if found == "void":
            raise errors.voided(key)
        return found

    async def _ended(self, key: str, heal: bool) -> JobView | None:
        """Return the job if it has ended. With the small read if it need not be repaired."""
        if heal:
            view = await self._heal(await self._view(key))
            return view if view.end is not None else None
        if await self.store.get(f"end/{key}") is None:
            return None
        return await self._view(key)

    async def _spawn(self, view: JobView, n: int) -> None:
        """Spawn call n. A repeat is harmless: only one call can enter the ledger first."""
        call_id = await self.runner.spawn(view.key)
        self._fault("spawned")
        await write_once(self.store, f"call/{view.key}/{n}", {"call": call_id})

    async def _heal(self, view: JobView) -> JobView:
        """Repair what a gateway or a call that died has left behind."""
        if view.end is not None:
            return view
        if view.closed is not None:
            await self._give_up(view, view.closed["detail"])
            changed = True
        elif view.runs:
            changed = await self._heal_begun(view)
        else:
            changed = await self._heal_waiting(view)
        return await self._view(view.key) if changed else view

    async def _heal_begun(self, view: JobView) -> bool:
        status = await self.runner.status(view.runs[-1]["call"])
        if status.state == "pending":
            return False
        # It may have ended properly in the meantime; the first final state wins.
        await self._give_up(view, status.detail)
        return True

    async def _heal_waiting(self, view: JobView) -> bool:
        details = []
        for call in view.calls():
            status = await self.runner.status(call)
            if status.state == "pending":
                return False
            details.append(status.detail)
        if self._clock() - view.spawns[-1].intended_at < self.settings.spawn_grace:
            return False
        if len(view.spawns) >= self.settings.max_spawns:
            await self._give_up(view, "; ".join(filter(None, details)))
            return True
        n = len(view.spawns) + 1
        # One of several gateways that look at once does it; the others need not.
        won, _ = await write_once(self.store, f"spawn/{view.key}/{n}", {"at": self._clock()})
        if won:
            log.warning("job %s has no living call; spawning call %d", view.key, n)
            await self._spawn(view, n)
        return True

    async def _give_up(self, view: JobView, detail: str) -> None:
        """End a job whose call is lost. Closed first, so that nothing runs after the failure."""
        if await self.store.get(f"end/{view.key}") is not None:
            return
        now = self._clock()
        await close_ledger(self.store, view.key, "lost", now, detail)
        error = {
            "status": None,
            "contentType": None,
            "body": detail or "The call of this job is lost.",
            "code": "runner_lost",
        }
        end = {"state": "failed", "at": now, "error": error}
        await write_once(self.store, f"end/{view.key}", end)
        self._watches.nudge(view.key)
