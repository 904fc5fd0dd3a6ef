"""A store and a runner in memory, for tests of one part at a time."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

from modal_named_jobs.ports import CallStatus

if TYPE_CHECKING:
    from modal_named_jobs.ports import Entry


class MemoryStore:
    """Records and blobs in dicts. Every call yields to the loop, so that races can happen."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.blobs: dict[str, bytes] = {}
        self.swept = 0

    async def put_once(self, name: str, value: Entry) -> bool:
        await asyncio.sleep(0)
        if name in self.entries:
            return False
        self.entries[name] = copy.deepcopy(value)
        await asyncio.sleep(0)
        return True

    async def put(self, name: str, value: Entry) -> None:
        await asyncio.sleep(0)
        self.entries[name] = copy.deepcopy(value)

    async def get(self, name: str) -> Entry | None:
        await asyncio.sleep(0)
        return copy.deepcopy(self.entries.get(name))

    async def write_blob(self, path: str, data: bytes) -> None:
        await asyncio.sleep(0)
        self.blobs[path] = data

    async def read_blob(self, path: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.blobs.get(path)

    async def sweep(self, blob_seconds: float, record_seconds: float) -> None:
        self.swept += 1


class MemoryRunner:
    """Notes what was spawned; the test decides what becomes of it."""

    def __init__(self) -> None:
        self.spawned: list[tuple[str, str]] = []
        self.statuses: dict[str, CallStatus] = {}
        self.cancelled: list[str] = []

    async def spawn(self, key: str) -> str:
        await asyncio.sleep(0)
        call_id = f"fc-{len(self.spawned) + 1}"
        self.spawned.append((call_id, key))
        return call_id

    async def status(self, call_id: str) -> CallStatus:
        await asyncio.sleep(0)
        return self.statuses.get(call_id, CallStatus("pending"))

    async def cancel(self, call_id: str) -> None:
        self.cancelled.append(call_id)
