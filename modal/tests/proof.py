"""Kills gateways and runners while clients repeat themselves, and then counts what really ran.

    python tests/proof.py --kills 200 --seed 1

The wrapped app writes a line for every run it begins and ends. That journal, not the package,
says what ran.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import hashlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from laptop_server import LaptopServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLIENTS = 8


@dataclass
class Tally:
    """What the proof saw."""

    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    killed_pids: set[int] = field(default_factory=set)
    killed_keys: collections.Counter[str] = field(default_factory=collections.Counter)
    accepted: set[str] = field(default_factory=set)
    final: dict[str, dict[str, Any]] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)
    late_puts: int = 0
    puts: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Proof:
    """One run of the proof."""

    def __init__(self, folder: Path, seed: int, kills: int) -> None:
        self.random = random.Random(seed)
        self.wanted = kills
        self.server = LaptopServer(
            folder, "--spawn-grace", "0.3", "--beat", "0.2", "--concurrency", "6"
        )
        self.tally = Tally()
        self.number = 0
        self.over = False

    async def run(self) -> Tally:
        """Kill until enough was killed; then let everything end, and count."""
        began = time.monotonic()
        self.server.start()
        try:
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
            async with httpx.AsyncClient(
                base_url=self.server.url, timeout=30, limits=limits
            ) as self.http:
                clients = [asyncio.create_task(self.client()) for _ in range(CLIENTS)]
                await self.killer()
                self.over = True
                await asyncio.gather(*clients)
                await self.check()
        finally:
            self.server.stop()
        self.tally.seconds = time.monotonic() - began
        return self.tally

    # -- killing ---------------------------------------------------------------

    async def killer(self) -> None:
        """Kill runners and gateways; keep a gateway up in between."""
        kills = self.tally.kills
        while sum(kills.values()) < self.wanted:
            await asyncio.sleep(self.random.uniform(0.05, 0.35))
            if not self.server.running():
                kills["gateway, in the middle of a PUT"] += 1
                await self.restart()
            elif self.random.random() < 0.7:
                await self.kill_runner()
            else:
                self.server.kill()
                kills["gateway, at any time"] += 1
                await self.restart()
        await self.restart_plain()

    async def restart(self) -> None:
        point = self.random.choice([None, None, "claimed", "spawned"])
        await asyncio.to_thread(self.server.start, point)

    async def restart_plain(self) -> None:
        self.server.kill()
        await asyncio.to_thread(self.server.start)

    async def kill_runner(self) -> None:
        for _ in range(100):
            if (living := self.server.runners()) or not self.server.running():
                break
            await asyncio.sleep(0.03)
        if not living:
            return
        await asyncio.sleep(self.random.uniform(0, 0.2))
        call, pid = self.random.choice(sorted(living.items()))
        with contextlib.closing(sqlite3.connect(self.server.data / "jobs.sqlite")) as db:
            key = db.execute("SELECT key FROM calls WHERE id = ?", (call,)).fetchone()[0]
        with contextlib.suppress(ProcessLookupError):
            # Noted first: a run that ends at this moment may be counted as killed, not the reverse.
            self.tally.killed_pids.add(pid)
            self.tally.killed_keys[key] += 1
            os.kill(pid, signal.SIGKILL)
            self.tally.kills["runner"] += 1

    # -- clients ---------------------------------------------------------------

    async def client(self) -> None:
        """Work through keys until told to stop."""
        while not self.over:
            self.number += 1
            key = f"k{self.number}"
            kind = self.random.random()
            if kind < 0.1:
                await self.late_put(key)
            elif kind < 0.2:
                await self.race_void(key)
            else:
                await self.job(key, cancel=kind > 0.9)

    def body(self, key: str) -> dict[str, Any]:
        seconds = round(random.Random(key).uniform(0.3, 1.5), 2)
        return {"path": "/flux-dev", "body": {"test_tag": key, "test_seconds": seconds}}

    async def insist(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Repeat a request until it is answered, as a client does whose answer was lost."""
        while True:
            try:
                answer = await self.http.request(method, path, **options)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code < 500:
                return answer
            self.tally.wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.1)

    async def put(self, key: str) -> int:
        self.tally.puts += 1
        answer = await self.insist("PUT", f"/jobs/{key}", json=self.body(key))
        if answer.status_code in {200, 202}:
            self.tally.accepted.add(key)
        elif answer.status_code != 410:
            self.tally.wrong.append(f"PUT {key}: {answer.status_code} {answer.text}")
        return answer.status_code

    async def job(self, key: str, *, cancel: bool) -> None:
        await asyncio.gather(*(self.put(key) for _ in range(self.random.randint(1, 4))))
        if cancel:
            await asyncio.sleep(self.random.uniform(0, 0.8))
            await self.insist("DELETE", f"/jobs/{key}")
        await self.follow(key)

    async def follow(self, key: str) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            answer = await self.insist("GET", f"/jobs/{key}", params={"wait": 5})
            job = answer.json()
            if answer.status_code != 200:
                self.tally.wrong.append(f"GET {key}: {answer.status_code} {answer.text}")
                return
            if job["endedAt"]:
                self.tally.final[key] = job
                return

    async def late_put(self, key: str) -> None:
        """A PUT whose body is still travelling while the key is voided."""
        voided = asyncio.Event()
        raw = httpx.Request("PUT", self.server.url, json=self.body(key)).content

        async def slowly() -> AsyncIterator[bytes]:
            yield raw[:10]
            await voided.wait()
            yield raw[10:]

        async def send() -> None:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.put(f"/jobs/{key}", content=slowly())
                if answer.status_code != 410:
                    self.tally.wrong.append(f"late PUT {key}: {answer.status_code}")

        sending = asyncio.create_task(send())
        await asyncio.sleep(0.02)
        answer = await self.insist("POST", f"/jobs/{key}/void")
        if answer.status_code != 200:
            self.tally.wrong.append(f"void {key}: {answer.status_code} {answer.text}")
        voided.set()
        await sending
        self.tally.late_puts += 1
        self.tally.voided.add(key)
        await self.put(key)

    async def race_void(self, key: str) -> None:
        """PUTs and a void at once: one side wins, and it stays so."""
        puts = asyncio.gather(*(self.put(key) for _ in range(2)))
        answer = await self.insist("POST", f"/jobs/{key}/void")
        await puts
        if answer.status_code == 200:
            self.tally.voided.add(key)
        else:
            self.tally.accepted.add(key)
            await self.follow(key)

    # -- counting --------------------------------------------------------------

    async def check(self) -> None:
        """Compare what the clients were told with what the app says that it ran."""
        tally, wrong = self.tally, self.tally.wrong
        begins = collections.defaultdict(list)
        for line in self.server.journal():
            if line["event"] == "begin":
                begins[line["tag"]].append(line["pid"])
        for key in tally.voided & (tally.accepted | set(begins)):
            wrong.append(f"{key} was voided and yet accepted or run")
        for key in tally.accepted:
            await self.check_accepted(key, begins[key])
        for key in set(begins) - tally.accepted:
            wrong.append(f"{key} ran and was not accepted")

    async def check_accepted(self, key: str, begins: list[int]) -> None:
        tally, wrong = self.tally, self.tally.wrong
        job = tally.final.get(key)
        if job is None:
            wrong.append(f"{key} is lost")
            return
        unkilled = [pid for pid in begins if pid not in tally.killed_pids]
        if len(unkilled) > 1:
            wrong.append(f"{key} ran {len(unkilled)} times although nothing killed it")
        if job["runs"] - 1 > tally.killed_keys[key]:
            wrong.append(f"{key} says {job['runs']} runs, {tally.killed_keys[key]} kills")
        if len(begins) > job["runs"]:
            wrong.append(f"{key} ran {len(begins)} times and says {job['runs']}")
        if job["state"] not in {"succeeded", "cancelled"}:
            wrong.append(f"{key} ended as {job['state']}: {job['error']}")
        if job["state"] == "succeeded":
            result = await self.insist("GET", f"/jobs/{key}/result")
            if hashlib.sha256(result.content).hexdigest() != job["sha256"]:
                wrong.append(f"{key} has another result than it says")
        again = (await self.insist("GET", f"/jobs/{key}")).json()
        if again != job:
            wrong.append(f"{key} changed after its end")


def table(tally: Tally, journal: list[dict[str, Any]]) -> str:
    """Write the figures."""
    states = collections.Counter(job["state"] for job in tally.final.values())
    begins = collections.Counter(e["tag"] for e in journal if e["event"] == "begin")
    reruns = sum(n - 1 for n in begins.values() if n > 1)
    counted = sum(job["runs"] - 1 for job in tally.final.values() if job["runs"] > 1)
    lost = len(tally.accepted - set(tally.final))
    rows = [
        ("kill -9 in total", sum(tally.kills.values())),
        *((f"  {kind}", number) for kind, number in sorted(tally.kills.items())),
        ("PUTs sent until answered", tally.puts),
        ("keys accepted", len(tally.accepted)),
        ("  ended as succeeded", states["succeeded"]),
        ("  ended as cancelled", states["cancelled"]),
        ("  ended as failed", states["failed"]),
        ("  lost", lost),
        ("runs begun, by the app's journal", sum(begins.values())),
        ("  begun again after a kill", reruns),
        ("  counted in `runs` beyond the first", counted),
        ("keys voided", len(tally.voided)),
        ("  with a PUT delayed past the void", tally.late_puts),
        ("  run all the same", len(tally.voided & set(begins))),
        ("contradictions", len(tally.wrong)),
        ("seconds", round(tally.seconds)),
    ]
    return "\n".join(f"| {name:<40} | {value:>6} |" for name, value in rows)


def prove(folder: Path, seed: int, kills: int) -> Tally:
    """Run the proof, print its table, and return what was seen."""
    proof = Proof(folder, seed, kills)
    tally = asyncio.run(proof.run())
    print(f"\nseed {seed}\n{table(tally, proof.server.journal())}")
    for line in tally.wrong[:20]:
        print("WRONG:", line)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = prove(Path(folder), options.seed, options.kills)
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    main()
