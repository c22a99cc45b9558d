"""Decodes the records of `order-updates` and `location-updates` into events (pure).

The quick way is one typed decode in C. Only a record that fails it goes the long way, which finds the exact reason.
"""

from hashlib import sha256
from typing import Annotated, NamedTuple

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, json

from orders.complaints import Bad, Shape, explain, short
from orders.facts import (
    MAX_ID,
    MAX_NAME,
    NAMES,
    Latitude,
    Longitude,
    OrderFacts,
    Time,
    identifier,
    text,
    tidy,
)
from realtime.api import Malformed, Record, Stamp, effective, event_time, oversized

MAX_EVENT_ID, MAX_BY, MAX_SOURCE = 128, 150, 200

NotNegative = Annotated[float, Meta(ge=0)]


class OrderEvent(NamedTuple):
    """Something that happened to an order: `by` whom and from where (`source`), in so far as it says so."""

    id: str
    order_id: str
    stamp: Stamp
    facts: OrderFacts
    topic: str = ""
    source: str = ""
    by: str = ""


class LocationEvent(NamedTuple):
    """A fix: where a courier or a place is, or was. Speed in m/s, heading in degrees, accuracy in metres.

    `appended` is when the broker got it, `ahead` how much later than that its sender says it is (both in ms); `timed`:
    its sender says when it was. `life` is its topic's.
    """

    id: str
    name: str
    stamp: Stamp
    lat: float
    lng: float
    order_id: str | None = None
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    source: str | None = None
    timescale: float | None = None
    appended: int = 0
    ahead: int = 0
    timed: bool = True
    life: str = ""


class _OrderSaid(OrderFacts, rename="camel", kw_only=True):
    """The facts, and what else a record says: it is read once."""

    order_id: str
    timestamp: Time | None = None
    by: Annotated[str, Meta(max_length=MAX_BY)] | None = None
    source: Annotated[str, Meta(max_length=MAX_SOURCE)] | None = None


class _Fix(Struct, rename="camel", kw_only=True):
    name: str
    lat: Latitude
    lng: Longitude | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    timestamp: Time | None = None
    order_id: Annotated[str, Meta(max_length=MAX_ID)] | None = None
    accuracy: NotNegative | None = None
    speed: NotNegative | None = None
    heading: Annotated[float, Meta(ge=0, le=360)] | None = None
    battery: Annotated[float, Meta(ge=0, le=100)] | None = None
    source: Annotated[str, Meta(max_length=50)] | None = None
    timescale: Annotated[float, Meta(gt=0)] | None = None


_order, _fix = json.Decoder(_OrderSaid), json.Decoder(_Fix)

_ORDER = Shape(
    types=(_OrderSaid,),
    key="orderId",
    missing="missing_order_id",
    codes={"lat": "bad_latitude", "lng": "bad_longitude", "timestamp": "bad_timestamp", "eta": "bad_timestamp",
           "due": "bad_timestamp", "status": "unknown_status"},
)  # fmt: skip
_LOCATION = Shape(
    types=(_Fix,),
    key="name",
    missing="missing_name",
    codes={"lat": "bad_latitude", "lng": "bad_longitude", "lon": "bad_longitude", "timestamp": "bad_timestamp",
           "accuracy": "bad_number", "speed": "bad_number", "heading": "bad_number", "battery": "bad_number",
           "timescale": "bad_number"},
)  # fmt: skip


def decode_order(record: Record) -> list[OrderEvent] | Malformed:
    """The event of a record of `order-updates`, or why it is none."""
    try:
        facts = _order.decode(_value(record))
        order_id = identifier(facts.order_id, "orderId", MAX_ID, "missing_order_id")
        if not tidy(facts):
            raise Bad("bad_field", f"beside orderId none of {', '.join(NAMES.values())} is there")
        stamp = _stamp(_time(facts.timestamp, record), record)
        by, source = text(facts.by, "by") or "", text(facts.source, "source") or _source(record)
        return [OrderEvent(_event_id(record), order_id, stamp, facts, record.topic, source, by)]
    except Bad as bad:
        return bad.malformed
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        return explain(record.value or b"", _ORDER, error)


def decode_location(record: Record) -> list[LocationEvent] | Malformed:
    """The event of a record of `location-updates`, or why it is none."""
    try:
        fix = _fix.decode(_value(record))
        name = identifier(fix.name, "name", MAX_NAME, "missing_name")
        lng = fix.lng if fix.lng is not UNSET else fix.lon
        if lng is UNSET:
            raise Bad("bad_longitude", "lng is missing")
        time = _time(fix.timestamp, record)
        event = LocationEvent(
            _event_id(record), name, _stamp(time, record), fix.lat, lng, text(fix.order_id, "orderId"),
            fix.accuracy, fix.speed, None if fix.heading is None else fix.heading % 360, fix.battery,
            text(fix.source, "source"), fix.timescale, record.timestamp,
            max(0, time - record.timestamp), fix.timestamp is not None, record.life,
        )  # fmt: skip
        return [event]
    except Bad as bad:
        return bad.malformed
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        return explain(record.value or b"", _LOCATION, error)


def _value(record: Record) -> bytes:
    """The record's JSON; msgspec skips unknown fields without a look at their bytes, hence the check for UTF-8."""
    if large := oversized(record):
        raise Bad(large.reason, large.detail)
    if record.value is None:
        raise Bad("empty", "the value is null")
    if not record.value or record.value.isspace():
        raise Bad("empty", "the value has no text")
    if not record.value.isascii():
        record.value.decode()
    return record.value


def _stamp(time: int, record: Record) -> Stamp:
    return Stamp(effective(time, record.timestamp), record.partition, record.offset)


def _time(timestamp: Time | None, record: Record) -> int:
    try:
        return event_time(timestamp, record.timestamp)
    except (ValueError, OverflowError) as error:
        rule = str(error).removeprefix(repr(timestamp)).strip()
        raise Bad("bad_timestamp", f"timestamp is {short(timestamp)}; it {rule.removeprefix('it ')}") from None


def _event_id(record: Record) -> str:
    """The record's id; a foreign `ce_id` of any length or content is made to fit."""
    id = record.id
    return id if len(id) <= MAX_EVENT_ID and id.isprintable() else sha256(id.encode()).hexdigest()


def _source(record: Record) -> str:
    """CloudEvents' `ce_source`, where the producer names itself by it."""
    for name, value in record.headers:
        if name == "ce_source":
            text = value.decode("utf-8", "replace")
            return text[:MAX_SOURCE] if text.isprintable() else ""
    return ""
