"""A position as Redis and the database hold it: the last accepted fix, and what judging the next one takes (pure)."""

from typing import NamedTuple

from msgspec import DecodeError, Struct, field, json

from realtime.api import Stamp

PLACE, STAFF = "place", "staff"
"""The `source` of a fix that sets where a place is (it heads nowhere), and of one that a member of staff set."""


class Point(NamedTuple):
    """A point of a trail; time in Unix ms."""

    time: int
    lat: float
    lng: float


class Astray(NamedTuple):
    """The last fix that was too far away to be believed, and how many in a row agree on that place."""

    point: Point
    fixes: int


class Judged(NamedTuple):
    """A record that was judged."""

    life: str
    partition: int
    offset: int


class SeenPosition(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What staff see of where a courier or place is; what is not for them stands in `PositionState`."""

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


class PositionState(SeenPosition, rename="camel", kw_only=True, omit_defaults=True):
    """Where a name is. `refused` counts fixes by reason; `trail` is where it was before, the oldest first.

    `pace` is the smoothed speed in m/s; `ahead` says how far (ms) the sender's clock ran ahead, where that was too far
    to be believed. `judged` is the last record that was, so that one that is read again is not counted again.
    """

    ahead: int = 0
    stamp: Stamp | None = None
    judged: Judged | None = None
    pace: float | None = None
    refused: dict[str, int] = field(default_factory=dict)
    astray: Astray | None = None
    trail: list[Point] = field(default_factory=list)


_decoder = json.Decoder(PositionState)
encode = json.Encoder(order="deterministic").encode


def decode(value: bytes | None) -> PositionState | None:
    """The position in a value of ours; None for none, and for a value that nobody of us wrote."""
    try:
        return _decoder.decode(value) if value else None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
