"""Times and limits, in one place."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True)
class Settings:
    """What a deployment may change."""

    usd_per_second: float | None = None
    """Price of a GPU second. None leaves `costUsd` null where the route gives none."""

    spawn_grace: float = 5.0
    """Seconds a gateway may take from its claim to the recorded call. Then the job is healed."""

    max_spawns: int = 5
    """A job whose calls all vanish is given up after so many."""

    beat: float = 5.0
    """Seconds between two signs of life of a run; the error of a killed run's seconds."""

    insist_for: float = 90.0
    """Seconds for which a run repeats the writes at its end; the GPU container waits that long."""

    poll: float = 0.25
    """Seconds between two looks of a long poll at the store, for a new job."""

    poll_slowest: float = 2.5
    """The same for an old job."""

    status_every: float = 5.0
    """Seconds between two questions to the platform within long polls, for a new job."""

    status_slowest: float = 15.0
    """The same for an old job."""

    slow_down: float = 0.15
    """The pause between two looks is this part of the job's age, within the two bounds: a job that
    took a minute may be noticed a little later than one that took a second."""

    max_body: int = 100 * 1024 * 1024
    """Largest accepted body of a PUT, in bytes."""

    inline_body: int = 256 * 1024
    """Largest body kept within the claim. Modal advises against big Dict values."""

    keep_blobs: float = 8 * DAY
    """Results and big bodies are swept after this. Must exceed the promised seven days."""

    keep_records: float = 30 * DAY
    """Records are removed after this, where they do not expire by themselves."""

    sweep_every: float = DAY
    """At most one sweep in so many seconds."""

    def poll_pause(self, age: float) -> float:
        """Seconds until the next look at a job of this age."""
        return _within(self.poll, self.slow_down * age, self.poll_slowest)

    def status_pause(self, age: float) -> float:
        """Seconds until the next question to the platform about a job of this age."""
        return _within(self.status_every, age, self.status_slowest)


def _within(least: float, wanted: float, most: float) -> float:
    return max(least, min(wanted, most))
