"""Rates and percentiles of the last minute out of counters that only grow (pure)."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

Figures = Mapping[str, float]


@dataclass(slots=True)
class Window:
    """What counters gained within the last `seconds`; `add` is called again and again with how they stand."""

    seconds: float = 60.0
    _held: deque[tuple[float, Figures]] = field(default_factory=deque, init=False)

    def add(self, now: float, figures: Figures) -> None:
        self._held.append((now, figures))
        while len(self._held) > 2 and self._held[1][0] <= now - self.seconds:
            self._held.popleft()

    def gained(self, seconds: float | None = None) -> tuple[float, dict[str, float]]:
        """Over how many seconds, and how much each counter gained; over the last `seconds` where that is less."""
        if len(self._held) < 2:
            return 0.0, {}
        until, now = self._held[-1]
        since, before = self._held[0]
        for at, figures in self._held if seconds is not None else ():
            if at <= until - (seconds or 0):
                since, before = at, figures
        return until - since, {name: value - before.get(name, 0.0) for name, value in now.items()}


def buckets(gained: Figures, histogram: str) -> dict[str, float]:
    """A histogram's buckets, by upper bound, out of figures named `<histogram>_bucket:<bound>`."""
    head = f"{histogram}_bucket:"
    return {name[len(head) :]: n for name, n in gained.items() if name.startswith(head)}


def percentile(cumulative: Figures, share: float) -> float | None:
    """The value below which this share of observations lies, interpolated within its bucket; None without any.

    `cumulative` counts by upper bound (Prometheus' `le`). What lies beyond the last bound counts as that bound.
    """
    bounds = sorted((float(bound), n) for bound, n in cumulative.items())
    if not bounds or bounds[-1][1] <= 0:
        return None
    wanted, lower, below = share * bounds[-1][1], 0.0, 0.0
    for bound, n in bounds:
        if n >= wanted:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * ((wanted - below) / (n - below) if n > below else 1.0)
        lower, below = bound, n
    return lower
