"""Serve a wrapped app with named jobs on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from ..asgi import InProcessApp
from ..config import Settings
from ..gateway import create_gateway
from ..jobs import NamedJobs
from .calls import Calls
from .sqlite_store import SqliteStore
from .supervisor import Supervisor
from .zygote import load_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ports import WebRequest, WebResponse


def die_at(wanted: str | None) -> Callable[[str], None]:
    """Make a fault hook that kills this process at one point. For tests."""

    def fault(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return fault


class LateApp:
    """The wrapped app for the routes that are passed on; imported when the first one comes."""

    def __init__(self, name: str) -> None:
        """Remember what to import."""
        self._name = name
        self._app: InProcessApp | None = None

    async def forward(self, request: WebRequest) -> WebResponse:
        """Answer in this process."""
        if self._app is None:
            self._app = InProcessApp(load_app(self._name))
        return await self._app.forward(request)


class AnnouncingServer(uvicorn.Server):
    """A server that prints one line when it can be used."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Start, then say so."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"named jobs ready on http://{self.config.host}:{port}", flush=True)


async def serve(options: argparse.Namespace) -> None:
    """Serve until stopped."""
    settings = Settings(
        usd_per_second=options.usd_per_second,
        spawn_grace=options.spawn_grace,
        beat=options.beat,
        poll=0.05,
        poll_slowest=0.25,
        status_every=1.0,
        status_slowest=1.0,
    )
    store = SqliteStore(options.data)
    calls = Calls(options.data, store.database)
    fault = die_at(os.environ.get("NAMED_JOBS_DIE_AT"))
    jobs = NamedJobs(store, calls, settings, fault=fault)
    app = create_gateway(jobs, LateApp(options.app), options.name)
    supervisor = Supervisor(
        calls, options.app, options.data, concurrency=options.concurrency, beat=options.beat
    )
    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_level="warning", timeout_graceful_shutdown=2
    )
    watching = asyncio.create_task(supervisor.run())
    try:
        await AnnouncingServer(config).serve()
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m modal_named_jobs.laptop")
    parser.add_argument("--app", required=True, help="package.module:app")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder for jobs and results")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--name", default="laptop", help="the app's name in /health")
    parser.add_argument("--usd-per-second", type=float, default=None)
    parser.add_argument("--concurrency", type=int, default=5, help="runs at once")
    parser.add_argument("--beat", type=float, default=1.0, help="seconds between signs of life")
    parser.add_argument("--spawn-grace", type=float, default=1.0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
