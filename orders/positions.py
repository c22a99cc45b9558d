"""Where couriers and places are: a fold of their fixes in the order of their records (pure)."""

from collections.abc import Mapping, Sequence

from msgspec import DecodeError, Struct, json

from orders.events import LocationEvent
from orders.geo import bearing, distance
from realtime.api import Change, Id, Kind, Old, Put, Stamp

COURIERS = Kind("couriers", "orders", "location:", "locations:index")
STANDS_STILL_M = 5
"""A move of no more metres than this is the receiver's noise and gives no heading."""
PLACE = "place"
"""The `source` of a fix that sets where a place is: it heads nowhere, however far it was moved."""


class PositionState(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """The last accepted fix of a name, as Redis holds it."""

    name: str
    lat: float
    lng: float
    timestamp: int = 0
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None
    battery: float | None = None
    order_id: str | None = None
    source: str | None = None
    stamp: Stamp | None = None


_decoder = json.Decoder(PositionState)
encode = json.Encoder().encode


def decode(value: bytes | None) -> PositionState | None:
    """The position in a value of ours; None for none, and for a value that nobody of us wrote."""
    try:
        return _decoder.decode(value) if value else None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def accepts(last: PositionState | None, fix: LocationEvent) -> bool:
    """Whether a fix moves its name: it must be newer than the last accepted one."""
    return last is None or last.stamp is None or fix.stamp > last.stamp


def fold(last: PositionState | None, fix: LocationEvent) -> PositionState | None:
    """Where a name is after a fix."""
    if not accepts(last, fix):
        return last
    source = PLACE if _stays_a_place(last, fix) else fix.source
    return PositionState(
        name=fix.name, lat=fix.lat, lng=fix.lng, timestamp=fix.stamp.time, speed=fix.speed,
        heading=fix.heading if source == PLACE else _heading(last, fix),
        accuracy=fix.accuracy, battery=fix.battery, order_id=fix.order_id, source=source, stamp=fix.stamp,
    )  # fmt: skip


def _stays_a_place(last: PositionState | None, fix: LocationEvent) -> bool:
    """A place that somebody puts elsewhere, without saying again that it is one, does not drive off."""
    bare = fix.source is None and fix.heading is None and fix.speed is None
    return bare and last is not None and last.source == PLACE


def _heading(last: PositionState | None, fix: LocationEvent) -> float | None:
    """The fix's own heading, else the one in which it moved; who stands still keeps the last one."""
    if fix.heading is not None or last is None:
        return fix.heading
    if distance(last.lat, last.lng, fix.lat, fix.lng) <= STANDS_STILL_M:
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


def reduce_locations(events: Sequence[LocationEvent], old: Old, now: int) -> Change:
    """Folds fixes into positions: one put for each name."""
    change = Change()
    for name, fixes in by_name(events).items():
        position = decode(old.get((COURIERS, name)))
        for fix in fixes:
            position = fold(position, fix)
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
