"""Byte ranges of one result (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(ValueError):  # noqa: N818 - the standard's own word
    """The range lies outside of the bytes."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first and last byte (inclusive), or None if the whole is to be sent.

    A header that is not understood, and several ranges at once, may be ignored by the standard.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - length), size - 1
    start = int(first)
    end = int(last) if last else size - 1
    if last and end < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(end, size - 1)
