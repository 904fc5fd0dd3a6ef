"""The write-once records of a job, and the state that follows from them.

A `modal.Dict` has an atomic "put if absent" and nothing else. So every transition is a record
of its own, written once, and the state of a job is what its records say together:

    job/{key}       the claim: path and body, or "void". Claim and void race for this one entry.
    spawn/{key}/{n} somebody is about to spawn call n (n >= 2; the claim stands for n = 1)
    call/{key}/{n}  the id of the spawned call n
    run/{key}/{n}   the ledger: run n was begun by a call, or the ledger was closed here
    beat/{key}/{n}  last sign of life of run n (the only record that is overwritten)
    ran/{key}/{n}   seconds of a run that was interrupted and could still say so
    end/{key}       the final state; the first writer wins
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .config import Settings
    from .ports import Entry, JobStore

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


def iso(at: float) -> str:
    """Write a time as ISO 8601 in UTC."""
    moment = datetime.fromtimestamp(at, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def write_once(store: JobStore, name: str, value: Entry) -> tuple[bool, Entry]:
    """Write unless the name is taken. Returns whether this write won, and the entry that did.

    The client library repeats a call whose answer was lost; the repeat then finds our own entry.
    The nonce tells it from somebody else's.
    """
    mine = {**value, "nonce": uuid.uuid4().hex}
    if await store.put_once(name, mine):
        return True, mine
    found = await store.get(name)
    if found is None:  # expired between the two calls
        return await write_once(store, name, value)
    return found["nonce"] == mine["nonce"], found


@dataclass
class Spawn:
    """One attempt to spawn a call for the job."""

    intended_at: float
    call_id: str | None


@dataclass
class JobView:
    """All records of one accepted job, read at one moment.

    `beats` and `ran` have an entry for each run, and are only filled once the job has ended.
    """

    key: str
    claim: Entry
    end: Entry | None = None
    spawns: list[Spawn] = field(default_factory=list)
    runs: list[Entry] = field(default_factory=list)
    closed: Entry | None = None
    beats: list[Entry | None] = field(default_factory=list)
    ran: list[Entry | None] = field(default_factory=list)

    @property
    def state(self) -> State:
        """The state a client sees."""
        if self.end is not None:
            state: State = self.end["state"]
            return state
        return "running" if self.runs else "queued"

    @property
    def call_id(self) -> str | None:
        """The call that owns the ledger, else the last call that was recorded."""
        if self.runs:
            owner: str = self.runs[-1]["call"]
            return owner
        return next((s.call_id for s in reversed(self.spawns) if s.call_id), None)

    def calls(self) -> list[str]:
        """Every known call id."""
        found = [s.call_id for s in self.spawns if s.call_id]
        return list(dict.fromkeys(found + [run["call"] for run in self.runs]))

    def seconds_of(self, n: int) -> float:
        """GPU seconds of run n (from 0). An upper bound for a run that was killed."""
        run = self.runs[n]
        end = self.end or {}
        if end.get("run") == n + 1:
            return float(end["runSeconds"])
        restarted = n + 1 < len(self.runs)
        if not restarted and end.get("state") == "cancelled":
            # Not what the run itself noted a moment later: an ended job must not change.
            return max(0.0, float(end["at"]) - float(run["at"]))
        ran = self.ran[n]
        if ran is not None:
            return float(ran["seconds"])
        stops = [end["at"]] if end else []
        if restarted:
            stops.append(self.runs[n + 1]["at"])
        # Nobody saw it die: at the latest one beat after its last sign of life.
        beat = self.beats[n]
        stops.append((beat["at"] if beat else run["at"]) + run["beat"])
        return max(0.0, float(min(stops)) - float(run["at"]))

    def seconds(self) -> float | None:
        """GPU seconds of all runs; None until the job has ended."""
        if self.end is None:
            return None
        return round(sum(self.seconds_of(n) for n in range(len(self.runs))), 3)

    def cost(self) -> float | None:
        """USD of all runs; None if it is not known."""
        seconds = self.seconds()
        if seconds is None or self.end is None:
            return None
        rate = self.claim.get("usdPerSecond")
        told = self.end.get("costUsd")
        if told is not None:
            final = self.seconds_of(self.end["run"] - 1)
            return round(float(told) + (seconds - final) * (rate or 0.0), 6)
        if seconds == 0:
            return 0.0
        return None if rate is None else round(seconds * float(rate), 6)

    def to_json(self) -> dict[str, Any]:
        """Write the job state of the wire form."""
        end = self.end or {}
        return {
            "key": self.key,
            "state": self.state,
            "callId": self.call_id,
            "runs": len(self.runs),
            "acceptedAt": iso(self.claim["at"]),
            "startedAt": iso(self.runs[0]["at"]) if self.runs else None,
            "endedAt": iso(end["at"]) if end else None,
            "error": end.get("error"),
            "seconds": self.seconds(),
            "costUsd": self.cost(),
            "headers": end.get("headers", {}),
            "mediaType": end.get("mediaType"),
            "bytes": end.get("bytes"),
            "sha256": end.get("sha256"),
        }

    def billing(self) -> dict[str, Any]:
        """Say what an ended job bills."""
        return {"billed": bool(self.runs), "seconds": self.seconds(), "costUsd": self.cost()}


async def read_job(
    store: JobStore, key: str, settings: Settings
) -> JobView | Literal["void"] | None:
    """Read all records of a key."""
    claim, end = await asyncio.gather(store.get(f"job/{key}"), store.get(f"end/{key}"))
    if claim is None:
        return None
    if claim["kind"] == "void":
        return "void"
    # The end before the ledger: an ended job must show all its runs.
    run, call = await asyncio.gather(store.get(f"run/{key}/1"), store.get(f"call/{key}/1"))
    view = JobView(key, claim, end)
    view.spawns.append(Spawn(claim["at"], call["call"] if call else None))
    while len(view.spawns) < settings.max_spawns:
        n = len(view.spawns) + 1
        intent = await store.get(f"spawn/{key}/{n}")
        if intent is None:
            break
        call = await store.get(f"call/{key}/{n}")
        view.spawns.append(Spawn(intent["at"], call["call"] if call else None))
    while run is not None:
        if run["kind"] == "closed":
            view.closed = run
            break
        n = len(view.runs) + 1
        view.runs.append(run)
        names = [f"run/{key}/{n + 1}"]
        if end is not None:  # only the seconds of an ended job are told
            names += [f"beat/{key}/{n}", f"ran/{key}/{n}"]
        run, *lived = await asyncio.gather(*(store.get(name) for name in names))
        view.beats.append(lived[0] if lived else None)
        view.ran.append(lived[1] if lived else None)
    return view


async def close_ledger(store: JobStore, key: str, why: str, at: float, detail: str = "") -> int:
    """Close the ledger so that no run begins any more. Returns how many runs had begun."""
    n = 1
    while True:
        entry = {"kind": "closed", "why": why, "at": at, "detail": detail}
        won, found = await write_once(store, f"run/{key}/{n}", entry)
        if won or found["kind"] == "closed":
            return n - 1
        n += 1
