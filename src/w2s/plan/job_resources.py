"""What one job asks of a machine; nothing slow is imported here, for every job reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace

MOST = 3  # times what is planned, for a job that fails again and again


@dataclass(frozen=True)
class Resources:
    """What a job asks for."""

    threads: int
    mem_mb: int
    minutes: int
    gpus: int
    stops: bool = False  # by itself, its state saved: more time is of no use to it

    def grown(self, attempt: int) -> Resources:
        """What the job asks for when it is tried for the `attempt`-th time, from 1."""
        times = min(attempt, MOST)
        minutes = self.minutes if self.stops else self.minutes * times
        return replace(self, mem_mb=self.mem_mb * times, minutes=minutes)
