"""Starts runner processes, and starts them again when they are killed, as Modal does."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from .calls import MAX_STARTS, Calls

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)
START_GRACE = 5.0


class Supervisor:
    """Keeps every pending call running, at most `concurrency` at once."""

    def __init__(
        self, calls: Calls, app: str, data: Path, *, concurrency: int, beat: float
    ) -> None:
        """Prepare; nothing is started yet."""
        self._calls = calls
        self._concurrency = concurrency
        self._command = [sys.executable, "-m", "modal_named_jobs.laptop.zygote"]
        self._command += ["--app", app, "--data", str(data), "--beat", str(beat)]
        self._zygote: asyncio.subprocess.Process | None = None
        self._started: dict[str, tuple[float, int]] = {}

    async def run(self) -> None:
        """Supervise until cancelled. Runners go on without us."""
        try:
            while True:
                try:
                    await self._tick()
                except Exception:
                    log.exception("supervision failed; trying again")
                await asyncio.sleep(0.05)
        finally:
            if self._zygote is not None and self._zygote.stdin is not None:
                self._zygote.stdin.close()

    async def _tick(self) -> None:
        pending = await self._calls.pending()
        now = time.monotonic()
        held = {call for call, _, _ in pending if self._calls.alive(call)}
        coming = {}
        for call, _, starts in pending:
            at, before = self._started.get(call, (-START_GRACE, starts))
            # A process that has counted its start and holds no lock has died.
            if call not in held and starts == before and now - at < START_GRACE:
                coming[call] = (at, before)
        self._started = coming
        free = self._concurrency - len(held) - len(coming)
        for call, key, starts in pending:
            if call in held or call in coming:
                continue
            if starts >= MAX_STARTS:
                await self._calls.finish(call, "failed", f"The runner died {starts} times.")
            elif free > 0:
                free -= 1
                await self._start(call, key)
                self._started[call] = (now, starts)

    async def _start(self, call: str, key: str) -> None:
        if self._zygote is None or self._zygote.returncode is not None:
            self._zygote = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, env=os.environ
            )
        if self._zygote.stdin is None:
            raise RuntimeError("The zygote has no standard input.")
        self._zygote.stdin.write(json.dumps({"call": call, "key": key}).encode() + b"\n")
        await self._zygote.stdin.drain()
