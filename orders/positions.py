"""Where couriers and places are: a fold of their fixes in the order of their records (pure)."""

from collections.abc import Mapping, Sequence
from math import exp

from msgspec import structs

from orders.events import LocationEvent
from orders.filters import RULES, Rules, Verdict, judge, stays_a_place, with_point
from orders.geo import bearing, distance
from orders.whereabouts import PLACE, Judged, Point, PositionState, decode, encode
from realtime.api import Change, Id, Kind, Old, Put, Stamp

COURIERS = Kind("couriers", "orders", "location:", "locations:index")
SMOOTHED_S = 60.0
"""How long a change of speed takes to show in `pace`."""


def fold(last: PositionState | None, fix: LocationEvent, rules: Rules = RULES) -> PositionState | None:
    """Where a name is after a fix, with what the rules make of it; a record that was judged already changes nothing."""
    record = Judged(fix.life, fix.stamp.partition, fix.stamp.offset)
    judged = last.judged if last else None
    if last and judged and judged[:2] == record[:2] and judged.offset >= record.offset:
        return last
    verdict = judge(last, fix, rules)
    if verdict.moves:
        position = _moved(last, fix, verdict, rules)
    elif last is None:
        return None
    else:
        position = structs.replace(last, astray=verdict.astray)
        if verdict.stays:
            _heard(position, fix, verdict)
        if verdict.joins:
            point = Point(verdict.stamp.time, fix.lat, fix.lng)
            position.trail = with_point(position.trail, point, position.timestamp, rules)
    position.judged = record if record.offset >= 0 else judged
    if verdict.reasons:
        position.refused = dict(position.refused)
        for reason in verdict.reasons:
            position.refused[reason] = position.refused.get(reason, 0) + 1
    return position


def _moved(last: PositionState | None, fix: LocationEvent, verdict: Verdict, rules: Rules) -> PositionState:
    stays = stays_a_place(last, fix)
    source = PLACE if stays else fix.source
    position = PositionState(
        name=fix.name, lat=fix.lat, lng=fix.lng, timestamp=verdict.stamp.time, speed=fix.speed,
        heading=fix.heading if source == PLACE else _heading(last, fix, rules),
        accuracy=fix.accuracy, battery=fix.battery, order_id=fix.order_id, source=source,
        ahead=fix.ahead if fix.ahead > rules.future_ms else 0, stamp=verdict.stamp,
    )  # fmt: skip
    if last is None:
        return position
    position.refused = last.refused
    if source != PLACE and verdict.astray is None:  # nobody drove from where it was to a place that is believed late
        point = Point(last.timestamp, last.lat, last.lng)
        position.trail = with_point(last.trail, point, position.timestamp, rules)
        position.pace = _pace(last, fix, position.timestamp)
    return position


def _heard(position: PositionState, fix: LocationEvent, verdict: Verdict) -> None:
    """It stands where it stood, but is alive: everything but the place is the fix's."""
    before = structs.replace(position)
    position.timestamp, position.stamp = verdict.stamp.time, verdict.stamp
    position.speed, position.accuracy, position.battery = fix.speed, fix.accuracy, fix.battery
    position.order_id, position.source = fix.order_id, fix.source
    position.heading = fix.heading if fix.heading is not None else position.heading
    position.pace = _pace(before, fix, position.timestamp)


def _pace(last: PositionState, fix: LocationEvent, time: int) -> float | None:
    """The smoothed speed in m/s; what it did long ago counts for nothing."""
    seconds = (time - last.timestamp) / 1000
    if seconds <= 0:
        return last.pace
    speed = distance(last.lat, last.lng, fix.lat, fix.lng) / seconds if fix.speed is None else fix.speed
    kept = exp(-seconds / SMOOTHED_S)
    return round(speed if last.pace is None else last.pace * kept + speed * (1 - kept), 2)


def _heading(last: PositionState | None, fix: LocationEvent, rules: Rules) -> float | None:
    """The fix's own heading, else the one in which it moved; who stands still keeps the last one."""
    if fix.heading is not None or last is None:
        return fix.heading
    if distance(last.lat, last.lng, fix.lat, fix.lng) <= rules.standstill_m:
        return last.heading
    return round(bearing(last.lat, last.lng, fix.lat, fix.lng), 1)


def by_name(events: Sequence[LocationEvent]) -> Mapping[str, list[LocationEvent]]:
    """The fixes of each name, in the order of their records."""
    grouped: dict[str, list[LocationEvent]] = {}
    for event in events:
        grouped.setdefault(event.name, []).append(event)
    return grouped


def location_keys(events: Sequence[LocationEvent]) -> list[Id]:
    return [(COURIERS, name) for name in by_name(events)]


def reduce_locations(events: Sequence[LocationEvent], old: Old, now: int, rules: Rules = RULES) -> Change:
    """Folds fixes into positions: one put for each name."""
    change = Change()
    for name, fixes in by_name(events).items():
        position = decode(old.get((COURIERS, name)))
        for fix in fixes:
            position = fold(position, fix, rules)
        if position is not None:
            change.put(COURIERS, name, encode(position), position.timestamp)
    return change


def join_positions(id: Id, ours: bytes, theirs: bytes) -> Put:
    """The newer of two positions of one name."""
    held = [position for position in (decode(ours), decode(theirs)) if position is not None]
    if not held:
        return Put(None, None)
    newer = max(held, key=lambda position: position.stamp or Stamp(0))
    return Put(encode(newer), newer.timestamp)
