"""When to commit, how long to wait after a failure, when to say something again (pure: `now` is passed in)."""

import random
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
