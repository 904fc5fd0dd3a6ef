"""The refusals of the wire form."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """An answer other than 2xx: status, code and words."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        """Keep the parts of the answer."""
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"detail": detail, "code": code, **extra}


def bad_request(detail: str) -> Refusal:
    """400: the request cannot be understood."""
    return Refusal(400, "bad_request", detail)


def never_accepted(key: str) -> Refusal:
    """404: no PUT of this key was ever accepted."""
    return Refusal(404, "never_accepted", f"The key {key} was never accepted.")


def voided(key: str) -> Refusal:
    """410: the key was voided before any PUT was accepted."""
    return Refusal(410, "voided", f"The key {key} is void and will not be accepted.")


def other_body(key: str) -> Refusal:
    """409: the key names another job."""
    return Refusal(409, "other_body", f"The key {key} was accepted with another path or body.")


def already_accepted(key: str, job: dict[str, Any]) -> Refusal:
    """409: a job that was accepted cannot be voided."""
    return Refusal(409, "already_accepted", f"The key {key} was accepted already.", job=job)


def not_finished(key: str, job: dict[str, Any]) -> Refusal:
    """409: there is no result (yet)."""
    detail = f"The job {key} is {job['state']}; it has no result."
    return Refusal(409, "not_finished", detail, job=job)


def result_gone(key: str) -> Refusal:
    """410: the result was kept for its time and then removed."""
    return Refusal(410, "result_gone", f"The result of {key} was removed.")
