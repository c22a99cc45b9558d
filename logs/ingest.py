"""Bodies of requests become values for `service-logs`, each looked at before it is taken (pure)."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from logs.events import TOPIC, LogEvent, decode
from realtime.api import Malformed, Record

MAX_LINES = 10_000
"""Lines of one request; whoever has more sends another."""


class Accepted(NamedTuple):
    """A value as it came, and the service that its lines are of: the record's key."""

    service: str
    value: bytes


class Refused(NamedTuple):
    """Which line of the body (from 1) is not taken, and why."""

    number: int
    reason: str


_objects = msgspec.json.Decoder(list[msgspec.Raw]).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode


def lines_in(body: bytes) -> list[tuple[int, bytes]]:
    """The numbered values of a body: one JSON object, an array of them, or one a line; blank lines count."""
    text = body.strip()
    try:
        if text.startswith(b"["):
            return [(number, bytes(item)) for number, item in enumerate(_objects(text), 1)]
        _any(text)
    except (msgspec.DecodeError, RecursionError):
        return [(number, line.strip()) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    return [(1, text)]


def sort_out(lines: Sequence[tuple[int, bytes]], service: str, now: int) -> tuple[list[Accepted], list[Refused]]:
    """What can be taken, and what not. `service` is of lines that name none; `now` is Unix ms."""
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    for number, value in lines:
        events = _read(value, service, now)
        if isinstance(events, Malformed):
            refused.append(Refused(number, str(events)))
        else:
            accepted.append(Accepted(events[0].service, value))
    return accepted, refused


def _read(value: bytes, service: str, now: int) -> Sequence[LogEvent] | Malformed:
    """What the worker will make of a value; over HTTP only JSON objects are lines, so that a slip is told."""
    if not value.startswith(b"{"):
        return Malformed("not_object", "a log line is a JSON object")
    try:
        _any(value)
    except (msgspec.DecodeError, RecursionError) as error:
        return Malformed("not_json", str(error))
    return decode(Record(TOPIC, "", 0, 0, now, service.encode(), value))
