"""Repeats a write that must not be lost to a moment's outage of the store."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
log = logging.getLogger(__name__)


async def insist(
    write: Callable[[], Awaitable[T]],
    what: str,
    seconds: float,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Repeat `write` for so many seconds, with growing pauses. The last error gets out.

    Every error is repeated: which of them pass cannot be told from here, and a repeat costs a
    little time, while giving up costs the whole run. The write must be one that may be repeated.
    """
    until = clock() + seconds
    pause = FIRST_PAUSE
    while True:
        try:
            return await write()
        except Exception as error:
            left = until - clock()
            if left <= 0:
                raise
            log.warning("%s failed, trying again for %.0f s: %r", what, left, error)
        await sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
