"""How far a courier has to go, and when it will be there (pure).

By default the straight line times a factor for the roads, over the courier's smoothed speed. Where a router knows the
way (`Road`), its distance and duration count. Without a destination nothing is said: never a guess.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from orders.facts import Place
from orders.geo import distance

SLOWEST_M_S = 1.5
"""Who waits at a light will go on: no slower pace than a walk is carried forward."""
ROUNDED_MS = 30_000
"""An ETA is no more exact than this, and does not flicker."""


class Leg(NamedTuple):
    """What is left of a way: metres and seconds."""

    metres: float
    seconds: float


class At(Protocol):
    """A position, as far as it matters here; `pace` in m/s, `timestamp` in Unix ms."""

    lat: float
    lng: float
    timestamp: int
    pace: float | None


Road = Callable[[float, float, float, float], Leg | None]
"""The way between two points (lat, lng, to lat, to lng), or None where nobody knows it yet."""


class EtaRules(NamedTuple):
    """The settings: how much longer roads are than the straight line, and the pace of who has not moved yet (m/s)."""

    road_factor: float = 1.3
    usual_m_s: float = 20 / 3.6


RULES = EtaRules()


def no_road(lat: float, lng: float, to_lat: float, to_lng: float) -> Leg | None:
    return None


def left(at: At, to: Place, rules: EtaRules = RULES, road: Road = no_road) -> Leg:
    """What is left of the way from a position to a place."""
    known = road(at.lat, at.lng, to.lat, to.lng)
    if known is not None:
        return known
    metres = distance(at.lat, at.lng, to.lat, to.lng) * rules.road_factor
    pace = rules.usual_m_s if at.pace is None else max(SLOWEST_M_S, at.pace)
    return Leg(metres, metres / pace)


def expected(
    told: int | None, to: Place | None, at: At | None, rules: EtaRules = RULES, road: Road = no_road
) -> int | None:
    """When it will be there (Unix ms). What somebody `told`, who may know of other stops, counts while it is ahead."""
    if to is None or at is None or (told is not None and told > at.timestamp):
        return told
    arrives = at.timestamp + left(at, to, rules, road).seconds * 1000
    return round(arrives / ROUNDED_MS) * ROUNDED_MS
