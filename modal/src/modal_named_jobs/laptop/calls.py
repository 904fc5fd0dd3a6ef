"""Calls as rows and lock files, shared by the gateway and the runner processes.

A runner holds a lock on its call's file for as long as it lives. The kernel frees the lock when
the process dies in whatever way. So "is it alive" needs no process ids, survives a restart of the
gateway, and two processes can never run one call at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
import uuid
from typing import TYPE_CHECKING

from ..ports import CallStatus

if TYPE_CHECKING:
    from pathlib import Path

    from .sqlite_store import Database

MAX_STARTS = 20


class Calls:
    """The `Runner` of a laptop. Processes are started by the supervisor."""

    def __init__(self, data: Path, database: Database) -> None:
        """Keep the lock files under `data`."""
        self._locks = data / "locks"
        self._locks.mkdir(parents=True, exist_ok=True)
        self._database = database

    async def spawn(self, key: str) -> str:
        """Add a call; the supervisor starts it."""
        call_id = f"fc-{uuid.uuid4().hex}"
        sql = "INSERT INTO calls (id, key, state, at) VALUES (?, ?, 'pending', ?)"
        await self._database.write(sql, call_id, key, time.time())
        return call_id

    async def status(self, call_id: str) -> CallStatus:
        """Look the call up."""
        sql = "SELECT state, detail FROM calls WHERE id = ?"
        rows = await self._database.rows(sql, call_id)
        if not rows:
            return CallStatus("failed", f"The call {call_id} is not known.")
        state, detail = rows[0]
        if state == "cancelled":
            return CallStatus("failed", "The call was cancelled.")
        return CallStatus(state, detail)

    async def cancel(self, call_id: str) -> None:
        """Stop a call that is not over, and its process."""
        if await self.finish(call_id, "cancelled"):
            self.kill(call_id)
            self.forget(call_id)

    async def finish(self, call_id: str, state: str, detail: str = "") -> bool:
        """Set the final state of a pending call. False if it had one."""
        sql = "UPDATE calls SET state = ?, detail = ? WHERE id = ? AND state = 'pending'"
        return await self._database.write(sql, state, detail, call_id) == 1

    async def pending(self) -> list[tuple[str, str, int]]:
        """Return id, key and starts of every call that is not over, oldest first."""
        sql = "SELECT id, key, starts FROM calls WHERE state = 'pending' ORDER BY at"
        return [(str(i), str(k), int(s)) for i, k, s in await self._database.rows(sql)]

    async def count_start(self, call_id: str) -> bool:
        """Count a start. False if the call is over."""
        sql = "UPDATE calls SET starts = starts + 1 WHERE id = ? AND state = 'pending'"
        return await self._database.write(sql, call_id) == 1

    def acquire(self, call_id: str) -> int | None:
        """Take the call's lock for the life of this process. None if another process has it."""
        descriptor = os.open(self._locks / call_id, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def alive(self, call_id: str) -> bool:
        """Say whether a process holds the call's lock."""
        try:
            descriptor = os.open(self._locks / call_id, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            # A shared lock: two processes that look at once do not see each other as the runner.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def kill(self, call_id: str) -> None:
        """Kill the process that holds the call's lock."""
        if self.alive(call_id):
            with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
                os.kill(int((self._locks / call_id).read_text()), signal.SIGKILL)

    def forget(self, call_id: str) -> None:
        """Remove the lock file of a call that is over."""
        (self._locks / call_id).unlink(missing_ok=True)
