"""Which fixes of a way are worth keeping (pure): enough to see it again, a fraction of what was sent."""

from collections.abc import Iterable
from typing import NamedTuple

from orders.geo import distance

STEP_M = 25.0
STEP_MS = 5 * 60_000
"""A point is kept that is so far from the last kept one, or so much later: who stands still was still there."""


class Passed(NamedTuple):
    """Where a name was; time in Unix ms, speed in m/s, heading in degrees."""

    time: int
    lat: float
    lng: float
    speed: float | None = None
    heading: float | None = None
    order_id: str = ""


def thin(last: Passed | None, points: Iterable[Passed]) -> list[Passed]:
    """Those of the points to keep after `last`, in the order of time. What is older than it is a way of its own."""
    ordered = sorted(points, key=lambda point: point.time)
    newer = [point for point in ordered if last is None or point.time > last.time]
    late = [point for point in ordered if last is not None and point.time < last.time]
    return [*_spaced(None, late), *_spaced(last, newer)]


def _spaced(last: Passed | None, points: Iterable[Passed]) -> list[Passed]:
    kept = []
    for point in points:
        if last is None or _far(last, point):
            kept.append(point)
            last = point
    return kept


def _far(a: Passed, b: Passed) -> bool:
    return b.time - a.time >= STEP_MS or distance(a.lat, a.lng, b.lat, b.lng) >= STEP_M
