"""Which fixes are believed: a chain of rules, each with a setting, that refuses a fix with a reason (pure).

Nothing waits in a buffer: a good fix is judged and shown at once. What judging takes is part of the position's state,
so that it is the same fold of a partition's records wherever and however often it runs.
"""

from bisect import bisect
from itertools import pairwise
from typing import NamedTuple

from orders.events import LocationEvent
from orders.geo import distance
from orders.whereabouts import PLACE, STAFF, Astray, Point, PositionState
from realtime.api import Stamp

INVALID, INACCURATE, DUPLICATE, LATE = "invalid", "inaccurate", "duplicate", "out_of_order"
FUTURE, JUMP, STANDSTILL = "future", "jump", "standstill"
REASONS = (INVALID, INACCURATE, DUPLICATE, LATE, FUTURE, JUMP, STANDSTILL)
TRAIL_STEP_MS = 8_000
"""The points of a trail are at least so far apart, so that it stays small."""
WALKING_M_S = 1.0
"""Who says that it moves faster than this does not stand still, however short the way."""


class Rules(NamedTuple):
    """The settings of the chain.

    zero_m            around (0, 0), where receivers without a fix believe to be, nothing is believed; 0: it is
    worst_accuracy_m  a fix that is surer of less than this does not move a position that is known
    duplicate_m       a fix of the same time within so many metres is the same fix
    trail_ms          how long a trail is, and how late a fix may join it
    future_ms         a clock further ahead of the broker's is not believed: the fix counts from when it was appended
    fastest_m_s       nobody moves faster (times `timescale`)
    believed_after    so many fixes in a row that agree on a place beyond that are believed after all
    standstill_m      a move of no more metres is the receiver's noise
    """

    zero_m: float = 100
    worst_accuracy_m: float = 200
    duplicate_m: float = 1
    trail_ms: int = 300_000
    future_ms: int = 10_000
    fastest_m_s: float = 200 / 3.6
    believed_after: int = 3
    standstill_m: float = 5


RULES = Rules()


class Verdict(NamedTuple):
    """What becomes of a fix: `reasons` are counted. `moves`: it is where the name is now; `stays`: the name is where it
    was, but was heard; neither: it is refused, or joins the trail (`joins`)."""

    stamp: Stamp
    reasons: tuple[str, ...] = ()
    moves: bool = False
    stays: bool = False
    joins: bool = False
    astray: Astray | None = None


def judge(last: PositionState | None, fix: LocationEvent, rules: Rules = RULES) -> Verdict:
    """What becomes of a fix after the last accepted one. One that staff set passes every rule but time."""
    stamp, noted = _believed_time(fix, rules)
    astray = last.astray if last else None
    newer = last is None or last.stamp is None or stamp > last.stamp
    if is_set_by_hand(last, fix):
        return Verdict(stamp, moves=True) if newer else Verdict(stamp, (LATE,), astray=astray)
    if rules.zero_m and distance(0, 0, fix.lat, fix.lng) <= rules.zero_m:
        return Verdict(stamp, (*noted, INVALID), astray=astray)
    if last is None:
        return Verdict(stamp, noted, moves=True)
    if (fix.accuracy or 0) > rules.worst_accuracy_m:
        return Verdict(stamp, (*noted, INACCURATE), astray=astray)
    if _is_known(last, stamp.time, fix, rules):
        return Verdict(stamp, (*noted, DUPLICATE), astray=astray)
    if not newer:
        joins = _fits_trail(last, Point(stamp.time, fix.lat, fix.lng), fix.timescale, rules)
        return Verdict(stamp, (*noted, LATE), joins=joins, astray=astray)
    return _moved(last, fix, stamp, noted, rules)


def was_there(last: PositionState | None, fix: LocationEvent, rules: Rules = RULES) -> int | None:
    """When (Unix ms) the name was where a fix says, for its trail of the day; None for a place, and for a fix refused.

    A fix that comes late moves nothing, but belongs to that trail, however old it is.
    """
    if fix.source == PLACE or stays_a_place(last, fix):
        return None
    verdict = judge(last, fix, rules)
    good = verdict.moves or verdict.stays or verdict.joins or verdict.reasons == (LATE,)
    return verdict.stamp.time if good else None


def is_set_by_hand(last: PositionState | None, fix: LocationEvent) -> bool:
    return fix.source in (STAFF, PLACE) or stays_a_place(last, fix)


def stays_a_place(last: PositionState | None, fix: LocationEvent) -> bool:
    """A place that somebody puts elsewhere, without saying again that it is one, does not drive off."""
    bare = fix.source is None and fix.heading is None and fix.speed is None
    return bare and last is not None and last.source == PLACE


def _believed_time(fix: LocationEvent, rules: Rules) -> tuple[Stamp, tuple[str, ...]]:
    """The fix's stamp, by the broker's time where its sender's clock runs too far ahead."""
    if fix.ahead <= rules.future_ms:
        return fix.stamp, ()
    return fix.stamp._replace(time=min(fix.stamp.time, fix.appended)), (FUTURE,)


def _is_known(last: PositionState, time: int, fix: LocationEvent, rules: Rules) -> bool:
    known = [point for point in last.trail if point.time == time]
    if time == last.timestamp:
        known.append(Point(time, last.lat, last.lng))
    return any(distance(point.lat, point.lng, fix.lat, fix.lng) <= rules.duplicate_m for point in known)


def _moved(last: PositionState, fix: LocationEvent, stamp: Stamp, noted: tuple[str, ...], rules: Rules) -> Verdict:
    here = Point(stamp.time, fix.lat, fix.lng)
    slack = (last.accuracy or 0) + (fix.accuracy or 0)
    # How fast it was can only be told of one that says when it was: arrivals come in bunches.
    if fix.timed and _too_fast(Point(last.timestamp, last.lat, last.lng), here, fix.timescale, rules, slack):
        agrees = last.astray is not None and not _too_fast(last.astray.point, here, fix.timescale, rules, slack)
        astray = Astray(here, last.astray.fixes + 1 if agrees and last.astray else 1)
        if astray.fixes >= rules.believed_after:
            return Verdict(stamp, noted, moves=True, astray=astray)
        return Verdict(stamp, (*noted, JUMP), astray=astray)
    far = distance(last.lat, last.lng, fix.lat, fix.lng)
    if far <= rules.standstill_m and (fix.speed or 0) <= WALKING_M_S:
        return Verdict(stamp, (*noted, STANDSTILL) if far else noted, stays=True)
    return Verdict(stamp, noted, moves=True)


def _too_fast(a: Point, b: Point, timescale: float | None, rules: Rules, slack: float = 0) -> bool:
    """Whether nobody gets from one point to the other in that time; within a second everybody is where they are."""
    seconds = max(1.0, abs(b.time - a.time) / 1000)
    way = distance(a.lat, a.lng, b.lat, b.lng) - slack
    return way / seconds > rules.fastest_m_s * max(1.0, timescale or 1.0)


def _fits_trail(last: PositionState, point: Point, timescale: float | None, rules: Rules) -> bool:
    if point.time < last.timestamp - rules.trail_ms:
        return False
    around = [*last.trail, Point(last.timestamp, last.lat, last.lng)]
    at = bisect(around, point)
    return not any(_too_fast(a, b, timescale, rules) for a, b in pairwise([*around[:at][-1:], point, *around[at:][:1]]))


def with_point(trail: list[Point], point: Point, newest: int, rules: Rules) -> list[Point]:
    """A trail up to `newest` with one more point, if that is far enough in time from those that it has."""
    since = newest - rules.trail_ms
    kept = [one for one in trail if one.time >= since]
    at = bisect(kept, point)
    near = kept[max(0, at - 1) : at + 1]
    if point.time >= since and all(abs(one.time - point.time) >= TRAIL_STEP_MS for one in near):
        kept.insert(at, Point(point.time, round(point.lat, 5), round(point.lng, 5)))
    return kept
