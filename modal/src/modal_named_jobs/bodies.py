"""Request bodies: canonical form, hash, and where they are kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import bad_request

if TYPE_CHECKING:
    from .ports import Entry, JobStore


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_json(raw: bytes) -> Any:
    """Parse strict JSON, or refuse it."""
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The body is not JSON: {error}"[:200]) from error


def key_hash(key: str) -> str:
    """Name a blob after a key. Keys may hold characters that a file name may not."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class JobBody:
    """What a PUT asks for."""

    path: str
    raw: bytes
    digest: str

    @staticmethod
    def parse(raw: bytes) -> JobBody:
        """Read `{path, body}`."""
        asked = parse_json(raw)
        if not isinstance(asked, dict) or "body" not in asked:
            raise bad_request('Send {"path": "/route", "body": {...}}.')
        path = asked.get("path")
        if not isinstance(path, str) or not path.startswith("/") or len(path) > 1024:
            raise bad_request("`path` must be a route of the app, beginning with a slash.")
        if any(c in path for c in "?#") or not path.isprintable() or not path.isascii():
            raise bad_request("`path` must be a plain path without a query.")
        try:
            canonical = json.dumps(asked["body"], sort_keys=True, separators=(",", ":"))
            sent = json.dumps(asked["body"], separators=(",", ":"))
        except RecursionError as error:
            raise bad_request("The body is nested too deeply.") from error
        return JobBody(path, sent.encode(), hashlib.sha256(canonical.encode()).hexdigest())

    def same_as(self, claim: Entry) -> bool:
        """Say whether a claim was made for this path and body."""
        return bool(claim["path"] == self.path and claim["digest"] == self.digest)


async def keep_body(store: JobStore, key: str, body: JobBody, inline: int) -> Entry:
    """Make the body durable; returns the part of the claim that finds it again.

    A big body is written before the claim: an accepted job always has its body. The name holds
    the body's hash, so that two bodies under one key cannot overwrite each other.
    """
    if len(body.raw) <= inline:
        return {"body": body.raw.decode()}
    path = f"bodies/{key_hash(key)}-{body.digest}"
    await store.write_blob(path, body.raw)
    return {"bodyPath": path}


async def load_body(store: JobStore, claim: Entry) -> bytes:
    """Return the body of an accepted job."""
    if "body" in claim:
        text: str = claim["body"]
        return text.encode()
    raw = await store.read_blob(claim["bodyPath"])
    if raw is None:
        raise FileNotFoundError("The body of this job was removed before the job was run.")
    return raw
