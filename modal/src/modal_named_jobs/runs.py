"""What happens inside the GPU container: claim the run, call the route, keep the result."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

from .bodies import key_hash, load_body
from .insist import insist
from .ports import WebRequest, WebResponse
from .records import write_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .config import Settings
    from .ports import Entry, JobStore

    Route = Callable[[WebRequest], Awaitable[WebResponse]]

T = TypeVar("T")
MAX_ERROR_BODY = 64 * 1024
log = logging.getLogger(__name__)


class JobRun:
    """One delivery of a call for a job. Runs the route only if the ledger says so."""

    def __init__(
        self,
        store: JobStore,
        key: str,
        call_id: str,
        route: Route,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare; nothing is read or written yet. `clock` and `sleep` are for tests."""
        self._store = store
        self._key = key
        self._end = f"end/{key}"
        self._call = call_id
        self._route = route
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._stopped = False

    async def run(self) -> bool:
        """Run the job. False if it must not be run by this call."""
        claim = await self._store.get(f"job/{self._key}")
        if claim is None or claim["kind"] == "void":
            return False
        if await self._store.get(self._end) is not None:
            return False
        n = await self._enter_ledger()
        if n is None:
            return False
        started = self._clock()
        if await self._has_ended():
            return False
        work = asyncio.ensure_future(self._work(claim, n, started))
        # Until the end is written: a finished run that waits for the store still holds its GPU.
        beats = asyncio.ensure_future(self._beat(n, work))
        try:
            await work
        except asyncio.CancelledError:
            await asyncio.shield(self._note_seconds(n, self._clock() - started))
            if not self._stopped:
                raise
        finally:
            work.cancel()
            beats.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await beats
        return True

    async def _work(self, claim: Entry, n: int, started: float) -> None:
        """Call the route, keep its result and write the final state."""
        try:
            end = await self._call_route(claim, n)
        except Exception as error:  # noqa: BLE001 - every fault must become a final state
            end = {"state": "failed", "error": _error(None, None, repr(error), "runner_error")}
        await self._touch(n)
        end.update(run=n, runSeconds=self._clock() - started, at=time.time())
        await self._insist("the final state", lambda: write_once(self._store, self._end, end))

    async def _note_seconds(self, n: int, seconds: float) -> None:
        """Write how long an interrupted run took."""
        name, ran = f"ran/{self._key}/{n}", {"seconds": seconds}
        try:
            await self._insist("the seconds", lambda: write_once(self._store, name, ran))
        except Exception:
            # The beats then say it within one interval. The interruption must not be hidden.
            log.exception("job %s: the seconds of run %d could not be written", self._key, n)

    async def _insist(self, what: str, write: Callable[[], Awaitable[T]]) -> T:
        """Write while what was paid for is in memory; not at the first error is it thrown away."""
        return await insist(
            write,
            f"job {self._key}: writing {what}",
            self._settings.insist_for,
            clock=self._clock,
            sleep=self._sleep,
        )

    async def _enter_ledger(self) -> int | None:
        """Claim the next run. None if another call has the job or the ledger is closed."""
        n = 1
        while True:
            entry = {
                "kind": "run",
                "call": self._call,
                "at": time.time(),
                "beat": self._settings.beat,
            }
            won, found = await write_once(self._store, f"run/{self._key}/{n}", entry)
            if won:
                return n
            if found["kind"] == "closed" or found["call"] != self._call:
                return None
            n += 1  # this very call was begun before and its container was killed

    async def _has_ended(self) -> bool:
        """Look once more: a stop that came while this run entered the ledger counts no seconds.

        So the run must use none. It goes on if it cannot look; its beats look again.
        """
        with contextlib.suppress(Exception):
            return await self._store.get(self._end) is not None
        return False

    async def _touch(self, n: int) -> None:
        """Read the older records once more: a Dict entry expires seven days after its last use.

        So no record of a job expires before its final state has been there for seven days.
        """
        names = [f"job/{self._key}", f"call/{self._key}/1"]
        names += [f"run/{self._key}/{i}" for i in range(1, n + 1)]
        with contextlib.suppress(Exception):
            await asyncio.gather(*(self._store.get(name) for name in names))

    async def _call_route(self, claim: Entry, n: int) -> Entry:
        body = await load_body(self._store, claim)
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        request = WebRequest("POST", claim["path"], "", headers, body)
        return await self._keep(await self._route(request), n)

    async def _beat(self, n: int, work: asyncio.Future[Any]) -> None:
        """Show that the run lives, and stop it if a cancel did not get through to it."""
        while True:
            await asyncio.sleep(self._settings.beat)
            with contextlib.suppress(Exception):  # a missed beat must not end the run
                await self._store.put(f"beat/{self._key}/{n}", {"at": time.time()})
                if await self._store.get(self._end) is not None:
                    self._stopped = True
                    work.cancel()
                    return

    async def _keep(self, response: WebResponse, n: int) -> Entry:
        headers = {k.lower(): v for k, v in response.headers if k.lower().startswith("x-")}
        told = _number(headers.get("x-cost-usd"))
        common: Entry = {"headers": headers, "costUsd": told}
        media = response.header("content-type")
        if not 200 <= response.status < 300:
            text = response.body[:MAX_ERROR_BODY].decode("utf-8", "replace")
            return {
                **common,
                "state": "failed",
                "error": _error(response.status, media, text, "route_error"),
            }
        # The run's number is in the name: a run that was believed dead cannot overwrite it.
        path = f"results/{key_hash(self._key)}-{n}"
        await self._insist("the result", lambda: self._store.write_blob(path, response.body))
        return {
            **common,
            "state": "succeeded",
            "path": path,
            "mediaType": media,
            "bytes": len(response.body),
            "sha256": hashlib.sha256(response.body).hexdigest(),
        }


def _error(status: int | None, media: str | None, body: str, code: str) -> Entry:
    return {"status": status, "contentType": media, "body": body, "code": code}


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e6 else None
