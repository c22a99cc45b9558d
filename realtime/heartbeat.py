"""The heartbeat of this process's loop: whoever asks from another thread learns whether it still turns."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Heartbeat:
    """Times are monotonic seconds. Before the first beat nothing is late: the process still starts."""

    stall_s: float
    beaten: float | None = None

    def beat(self, now: float) -> None:
        self.beaten = now

    def age(self, now: float) -> float:
        """How long ago the loop turned."""
        return 0.0 if self.beaten is None else max(0.0, now - self.beaten)

    def stalled(self, now: float) -> bool:
        return self.age(now) > self.stall_s


HEART = Heartbeat(30.0)
"""This process's own."""


def beat() -> None:
    """Called by the loop at each turn, and by a step of it that may take long."""
    HEART.beat(time.monotonic())
