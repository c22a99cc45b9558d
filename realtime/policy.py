"""When to commit, how long to wait after a failure, what to say again, what to divert (pure: `now` is passed in)."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Every:
    """True at most once in `seconds`."""

    seconds: float
    _next: float = field(default=float("-inf"), init=False)

    def due(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + self.seconds
        return True


@dataclass(slots=True)
class Backoff:
    """Full-jitter waits from `least` to `most` seconds, doubling with each failure.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    least: float = 0.01
    most: float = 5.0
    rng: random.Random = field(default_factory=random.Random)
    failures: int = field(default=0, init=False)

    def wait(self) -> float:
        """How long to wait after one more failure, in seconds."""
        ceiling = min(self.most, self.least * 2**self.failures)
        self.failures = min(self.failures + 1, 30)
        return self.rng.uniform(self.least, ceiling)

    def reset(self) -> None:
        self.failures = 0


GOOD, BAD = ".", "x"
"""A record that became events, and a malformed one, in what is kept of a topic's last records."""


@dataclass(frozen=True, slots=True)
class DivertLimit:
    """How much of a topic may be malformed: at most half of its last `window` records.

    Beyond it more likely a producer, or our reading of it, is broken than a record, and whoever is on call should know
    before the topic has moved into its dead letters.
    """

    window: int = 1000

    @property
    def most(self) -> int:
        return self.window // 2

    def passing(self, recent: str, coming: Iterable[str], extra: int = 0) -> tuple[int, int]:
        """How many of the `coming` records may pass, and how many of the `extra` malformed ones that took.

        `recent` are the topic's last records, oldest first. Good records always pass, and clear the count as they
        push the malformed ones out of the window.
        """
        held = deque(recent, maxlen=self.window)
        bad, passed, used = held.count(BAD), 0, 0
        for kind in coming:
            leaving = held[0] if len(held) == self.window else GOOD
            bad += (kind == BAD) - (leaving == BAD)
            if kind == BAD and bad > self.most:
                if used == extra:
                    break
                used += 1
            held.append(kind)
            passed += 1
        return passed, used
