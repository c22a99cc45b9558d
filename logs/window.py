"""What a batch of log lines does to the state: the newest lines, exact counts, the known services (pure)."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

import msgspec

from logs.events import LogEvent, encode_line
from realtime.api import Change, Id, Kind, Old, Tail, Tally

GROUP = "logs"
MAX_SERVICES = 200
OTHER = "other"
"""Counts the lines of every service after the first 200; the lines themselves keep their service's name."""

SECONDS = Tally("counts", GROUP, "logs:counts:s:", bucket=1, page=60, keep=3_600, shown=900)
MINUTES = Tally("minutes", GROUP, "logs:counts:m:", bucket=60, page=3_600, keep=86_400, shown=3_600)
SERVICES = Kind("services", GROUP, "logs:", ids=("services",))
"""A JSON list of the services that are counted by name, sorted."""
SINCE = Kind("since", GROUP, "logs:counts:", ids=("since",))
"""From when on counts are complete (JSON number, Unix ms); written when the state is rebuilt."""

APPENDED = attrgetter("appended")
_SERVICES_ID: Id = (SERVICES, SERVICES.ids[0])


def keys(events: Sequence[LogEvent]) -> Sequence[Id]:
    """Reduce reads the known services."""
    return (_SERVICES_ID,)


def reduce(events: Sequence[LogEvent], old: Old, now: int, tail: Tail) -> Change:
    """Lines into the tail, counts by the second and minute in which the broker appended them."""
    change = Change()
    if not events:
        return change
    _add_lines(change, events, tail)
    per_second = Counter((event.appended // 1000, event.level, event.service) for event in events)
    names = _known_services(change, {service for _, _, service in per_second}, old.get(_SERVICES_ID))
    for (second, level, service), n in per_second.items():
        field = f"{level}|{service if service in names else OTHER}"
        for tally in (SECONDS, MINUTES):
            bucket = tally.bucket_of(second * 1000)
            # What is replayed from long ago would leave Redis in the same moment.
            if tally.expires(bucket) * 1000 > now:
                change.count(tally, bucket, field, n)
    return change


def _add_lines(change: Change, events: Sequence[LogEvent], tail: Tail) -> None:
    """Every line gets a number, in the order of append; only those that the tail will keep are encoded."""
    events = sorted(events, key=APPENDED)
    over = len(events) - tail.keep
    if over > 0:
        change.skip(tail, over)
        events = events[over:]
    change.add_lines(tail, [encode_line(event) for event in events])


def _known_services(change: Change, seen: set[str], held: bytes | None) -> set[str]:
    """The services counted by name: those held already, then this batch's as long as there is room."""
    known = set(read_services(held))
    room = max(0, MAX_SERVICES - len(known))
    new = sorted(seen - known)[:room]
    if new:
        known.update(new)
        change.put(SERVICES, SERVICES.ids[0], msgspec.json.encode(sorted(known)), None)
    return known


def read_services(held: bytes | None) -> list[str]:
    """The list of services as the state holds it."""
    return [] if held is None else msgspec.json.decode(held, type=list[str])


def split_field(field: str) -> tuple[str, str]:
    """Level and service of a tally's field."""
    level, _, service = field.partition("|")
    return level, service
