"""Named jobs for Modal apps: every paid GPU job has a name before it is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .decorator import named_jobs

__all__ = ["named_jobs"]


def __getattr__(name: str) -> Any:
    # Late, so that the laptop backend starts without the modal client.
    if name == "named_jobs":
        from .decorator import named_jobs  # noqa: PLC0415

        return named_jobs
    raise AttributeError(name)
