"""Positions that devices send over HTTP become values of `location-updates`, each looked at before it is taken (pure).

JSON of our own topic, Traccar Client's OsmAnd protocol (query, form and JSON), OwnTracks. A device never says where its
fix comes from (`source`) or how fast its time runs (`timescale`): what staff set, and replays, are trusted further.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

from orders.events import decode_location
from realtime.api import Malformed, Record

TOPIC = "location-updates"
MAX_FIXES = 5_000
"""Fixes of one request; a device that has more sends another."""
KNOT_M_S, KMH_M_S = 1852 / 3600, 1 / 3.6
KEPT = ("name", "lat", "lng", "lon", "timestamp", "orderId", "accuracy", "speed", "heading", "battery")


class NoFixes(ValueError):
    """A body that is no JSON of the protocol; says why."""


class Accepted(NamedTuple):
    """A value for the topic, its name (the record's key) and its time."""

    name: str
    time: int
    value: bytes


class Refused(NamedTuple):
    """Which fix of the request (from 1) is not taken, and why."""

    number: int
    reason: str


def fixes_in(body: bytes) -> list[Any]:
    """The fixes of a JSON body: one object, an array, or an object whose `locations` are an array."""
    said = _json(body)
    if isinstance(said, dict) and isinstance(said.get("locations"), list):
        said = said["locations"]
    return list(said) if isinstance(said, list) else [said]


def sort_out(
    fixes: Sequence[Any], name: str, bound_to: str, now: int, topic: str = TOPIC
) -> tuple[list[Accepted], list[Refused]]:
    """What can be taken, in the order of time, and what not.

    `name` is of fixes that name none; a key that is `bound_to` a name sends no other's. `now` is Unix ms.
    """
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    for number, fix in enumerate(fixes, 1):
        if not isinstance(fix, Mapping):
            refused.append(Refused(number, "not_object: a fix is a JSON object"))
            continue
        kept = {"name": name} | {field: fix[field] for field in KEPT if fix.get(field) is not None}
        value = encode(kept)
        events = decode_location(Record(topic, "", 0, 0, now, None, value))
        if isinstance(events, Malformed):
            refused.append(Refused(number, str(events)))
        elif bound_to and events[0].name != bound_to:
            refused.append(Refused(number, f"not_yours: the key is for {bound_to!r}, not for {events[0].name!r}"))
        else:
            accepted.append(Accepted(events[0].name, events[0].stamp.time, value))
    return sorted(accepted, key=lambda one: one.time), refused


# --- Traccar Client and OsmAnd ----------------------------------------------------------------------------------------


class _Coords(Struct):
    latitude: float
    longitude: float
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None


class _Battery(Struct):
    level: float | None = None


class _Location(Struct):
    coords: _Coords
    timestamp: str | int | float | None = None
    battery: _Battery | None = None


class _Traccar(Struct):
    location: _Location | list[_Location]
    device_id: str | int = ""


def device_in(body: bytes) -> str:
    """The `device_id` of Traccar Client's JSON; empty where there is none."""
    said = _json(body)
    return str(said.get("device_id") or "") if isinstance(said, dict) else ""


def osmand_query(query: Mapping[str, str]) -> dict[str, Any]:
    """The fix in the parameters of a request: `lat`, `lon` (or `location=lat,lon`), `timestamp`, `speed` in knots."""
    lat, _, lon = query.get("location", "").partition(",")
    return {
        "lat": _degrees(query.get("lat", lat)),
        "lng": _degrees(query.get("lon", lon)),
        "timestamp": query.get("timestamp") or None,
        "accuracy": _positive(_number(query.get("accuracy"))),
        "speed": _times(_positive(_number(query.get("speed"))), KNOT_M_S),
        "heading": _positive(_number(query.get("bearing", query.get("heading")))),
        "battery": _positive(_number(query.get("batt"))),
    }


def osmand_json(body: bytes) -> list[dict[str, Any]]:
    """The fixes in Traccar Client's JSON; speed in m/s, battery from 0 to 1, both -1 where they are not known."""
    try:
        said = decode(body, type=_Traccar)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoFixes(f"The body is no JSON of Traccar Client: {error}.") from None
    return [
        {
            "lat": at.coords.latitude,
            "lng": at.coords.longitude,
            "timestamp": at.timestamp,
            "accuracy": _positive(at.coords.accuracy),
            "speed": _positive(at.coords.speed),
            "heading": _positive(at.coords.heading),
            "battery": _times(_positive(at.battery.level if at.battery else None), 100),
        }
        for at in (said.location if isinstance(said.location, list) else [said.location])
    ]


# --- OwnTracks --------------------------------------------------------------------------------------------------------


def owntracks(body: bytes) -> list[dict[str, Any]]:
    """The fix of an OwnTracks body; none of one that is no location (a waypoint, a transition, a last will)."""
    said = _json(body)
    if not isinstance(said, dict):
        raise NoFixes("The body is no JSON object.")
    if said.get("_type") != "location":
        return []
    return [
        {
            "lat": said.get("lat"),
            "lng": said.get("lon"),
            "timestamp": said.get("tst"),
            "accuracy": _positive(said.get("acc")),
            "speed": _times(_positive(said.get("vel")), KMH_M_S),
            "heading": _positive(said.get("cog")),
            "battery": _positive(said.get("batt")),
        }
    ]


def _json(body: bytes) -> Any:
    try:
        return decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoFixes(f"The body is no JSON: {error}.") from None


def _number(text: str | None) -> Any:
    """The number in a text; one that is none stays as it is, to be refused with its rule."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _degrees(text: str | None) -> Any:
    """The same for what must be there: JSON has no NaN, which would be refused as a null that nobody sent."""
    number = _number(text)
    return number if not isinstance(number, float) or isfinite(number) else text


def _positive(value: Any) -> Any:
    """Devices say -1 where they do not know."""
    return None if isinstance(value, int | float) and value < 0 else value


def _times(value: Any, factor: float) -> Any:
    return round(value * factor, 3) if isinstance(value, int | float) else value
