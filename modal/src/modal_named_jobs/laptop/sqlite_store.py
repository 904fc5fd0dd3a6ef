"""A `JobStore` in one SQLite file and a folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..ports import Entry

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '',
    starts INTEGER NOT NULL DEFAULT 0, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_state ON calls (state, at);
"""


class Database:
    """One connection, used by one thread, so that no statement blocks the event loop."""

    def __init__(self, data: Path) -> None:
        """Open (and create) the database in this folder."""
        data.mkdir(parents=True, exist_ok=True)
        self._path = data / "jobs.sqlite"
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._connection: sqlite3.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            made = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=NORMAL")
            made.executescript(_SCHEMA)
            self._connection = made
        return self._connection

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the connection in its thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(self._open()))

    async def write(self, sql: str, *values: Any) -> int:
        """Execute one statement; returns how many rows it changed."""
        return await self.run(lambda db: db.execute(sql, values).rowcount)

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return await self.run(lambda db: db.execute(sql, values).fetchall())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._thread.submit(self._connection.close).result()
        self._thread.shutdown()


class SqliteStore:
    """Records in a table, blobs in files."""

    def __init__(self, data: Path, database: Database | None = None) -> None:
        """Keep everything under `data`."""
        self._data = data
        self.database = database or Database(data)

    async def put_once(self, name: str, value: Entry) -> bool:
        """Store unless the name is taken."""
        sql = "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
        return await self.database.write(sql, name, json.dumps(value), time.time()) == 1

    async def put(self, name: str, value: Entry) -> None:
        """Store, replacing."""
        sql = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)"
        await self.database.write(sql, name, json.dumps(value), time.time())

    async def get(self, name: str) -> Entry | None:
        """Return the record, or None."""
        rows = await self.database.rows("SELECT value FROM entries WHERE name = ?", name)
        return cast("Entry", json.loads(rows[0][0])) if rows else None

    async def write_blob(self, path: str, data: bytes) -> None:
        """Write a file; it appears whole or not at all."""
        await asyncio.to_thread(self._write, self._data / path, data)

    @staticmethod
    def _write(target: Path, data: bytes) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)

    async def read_blob(self, path: str) -> bytes | None:
        """Read a file, or None."""
        with contextlib.suppress(FileNotFoundError):
            return await asyncio.to_thread((self._data / path).read_bytes)
        return None

    async def sweep(self, blob_seconds: float, record_seconds: float) -> None:
        """Remove old files and records."""
        now = time.time()
        await asyncio.to_thread(self._remove_files, now - blob_seconds)
        await self.database.write("DELETE FROM entries WHERE at < ?", now - record_seconds)
        sql = "DELETE FROM calls WHERE at < ? AND state <> 'pending'"
        await self.database.write(sql, now - record_seconds)

    def _remove_files(self, before: float) -> None:
        for folder in ("results", "bodies"):
            for file in (self._data / folder).glob("*"):
                if file.stat().st_mtime < before:
                    file.unlink(missing_ok=True)
