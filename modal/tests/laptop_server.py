"""Starts the laptop backend as its users do: as a command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class LaptopServer:
    """One gateway process over one data folder. It can be killed and started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.data = folder / "data"
        self.journal_file = folder / "journal.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def start(self, die_at: str | None = None) -> None:
        """Start and wait for the ready line."""
        env = {**os.environ, "SAMPLE_JOURNAL": str(self.journal_file)}
        env["PYTHONPATH"] = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
        if die_at:
            env["NAMED_JOBS_DIE_AT"] = die_at
        command = [sys.executable, "-m", "modal_named_jobs.laptop", "--app", "sample_app:app"]
        command += ["--port", str(self.port), "--data", str(self.data), "--name", "sample"]
        self._process = subprocess.Popen(
            [*command, *self._options], env=env, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready" in line, f"the gateway did not start: {line!r}"

    def wait(self) -> int:
        """Wait for the process to end by itself."""
        assert self._process is not None
        return self._process.wait(20)

    def kill(self) -> None:
        """kill -9 the gateway."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the gateway and every runner."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)
        for pid in self.runners().values():
            os.kill(pid, signal.SIGKILL)

    def running(self) -> bool:
        """Say whether the gateway process lives."""
        return self._process is not None and self._process.poll() is None

    def runners(self) -> dict[str, int]:
        """Return the process ids of the living runners by their call ids."""
        from modal_named_jobs.laptop.calls import Calls
        from modal_named_jobs.laptop.sqlite_store import Database

        calls = Calls(self.data, Database(self.data))
        found = {}
        for lock in (self.data / "locks").glob("*"):
            if calls.alive(lock.name):
                try:
                    found[lock.name] = int(lock.read_text())
                except (ValueError, FileNotFoundError):
                    continue
        return found

    def journal(self) -> list[dict[str, Any]]:
        """Read what the wrapped app says that it ran."""
        if not self.journal_file.exists():
            return []
        return [json.loads(line) for line in self.journal_file.read_text().splitlines()]

    def begun(self, tag: str) -> int:
        """Count how often the app began the job with this tag."""
        return sum(1 for e in self.journal() if e["tag"] == tag and e["event"] == "begin")


def until(check: Any, seconds: float = 15) -> Any:
    """Wait until `check()` is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
