"""A process that has imported the wrapped app and forks one runner for each call.

Importing the app takes much longer than a fork. Runners outlive this process and the gateway, as
GPU containers outlive theirs.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ..asgi import AsgiApp, InProcessApp
from ..config import Settings
from ..runs import JobRun
from .calls import Calls
from .sqlite_store import Database, SqliteStore


def load_app(name: str) -> AsgiApp:
    """Import `package.module:app`."""
    module_name, _, attribute = name.partition(":")
    app: AsgiApp = getattr(importlib.import_module(module_name), attribute or "app")
    return app


async def run_call(app: AsgiApp, data: Path, call_id: str, key: str, settings: Settings) -> None:
    """Run one call, as a container does."""
    database = Database(data)
    calls = Calls(data, database)
    lock = calls.acquire(call_id)
    for _ in range(20):
        if lock is not None:
            break
        time.sleep(0.01)  # noqa: ASYNC251 - the supervisor may be looking; nothing else runs here
        lock = calls.acquire(call_id)
    if lock is None or not await calls.count_start(call_id):
        return
    try:
        store = SqliteStore(data, database)
        await JobRun(store, key, call_id, InProcessApp(app).forward, settings).run()
    except Exception as error:  # noqa: BLE001 - the platform records any failure of a call
        await calls.finish(call_id, "failed", repr(error))
    else:
        await calls.finish(call_id, "returned")
    calls.forget(call_id)


def _child(app: AsgiApp, data: Path, order: dict[str, Any], settings: Settings) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        asyncio.run(run_call(app, data, order["call"], order["key"], settings))
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Fork a runner for every line of the standard input; end with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--beat", type=float, required=True)
    options = parser.parse_args()
    app = load_app(options.app)
    settings = Settings(beat=options.beat)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway decides when to end
    for line in sys.stdin:
        if os.fork() == 0:
            _child(app, options.data, json.loads(line), settings)


if __name__ == "__main__":
    main()
