"""One line by its id, with the lines of its service around it: from Redis, else Kafka, else the archive. Blocks."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from django.conf import settings

from logs import search
from logs.events import TOPIC, LogEvent, encode_line
from logs.rules import normalise
from logs.streams import RECENT
from realtime.api import Excerpt, KafkaAway, Line, Malformed, Record, StateAway, newest_lines

WAIT_S = 4.0
"""How long Kafka may take, all in all."""
CHUNK, CHUNKS = 500, 5
"""Records that are read at once, and how often on either side of the line: a service may be rare in its partition."""
NEVER = "There is no line of this id that you may see."

_ID = re.compile(r"([0-9a-z]{1,8})-([0-9]{1,6})-([0-9]{1,18})(?:\.([0-9]{1,6}))?")
Shown = dict[str, Any]
"""A line in the form of the page's; one out of Redis has its number `n` too."""


class Found(NamedTuple):
    """A line with those around it, in their order. `source` is `redis`, `kafka` or `archive`."""

    id: str
    lines: list[Shown]
    source: str

    @property
    def line(self) -> Shown:
        return next(line for line in self.lines if line["id"] == self.id)


class Gone(NamedTuple):
    """Why there is no such line: a code, and the words that say which retention removed it."""

    error: str
    message: str


def look_up(line_id: str, hidden: frozenset[str], before: int, after: int) -> Found | Gone:
    """The line with this id, and at most so many of its service's lines before and after it.

    `hidden` are the services that the asker may not see: their lines are as if they had never been. Raises KafkaAway
    where Kafka, which does not answer, may have it.
    """
    place = _ID.fullmatch(line_id)
    if place is None:
        return Gone(
            "bad_id", f"{line_id[:80]!r} is no id of a line; one looks like k3f-2-10441: life-partition-offset."
        )
    recent = _in_redis(line_id, hidden, before, after)
    if isinstance(recent, Gone) or (recent and recent.whole):
        return recent if isinstance(recent, Gone) else recent.found
    away: KafkaAway | None = None
    kept: Found | Gone
    try:
        kept = _in_kafka(line_id, place[1], int(place[2]), int(place[3]), hidden, before, after)
    except KafkaAway as error:
        away, kept = error, Gone("kafka_away", str(error))
    if recent:
        longer = isinstance(kept, Found) and len(kept.lines) > len(recent.found.lines)
        return kept if longer else recent.found
    if isinstance(kept, Found) or kept.message == NEVER:
        return kept
    archived = search.one(line_id, hidden, before, after)
    if archived is not None:
        return Found(line_id, [search.as_shown(line) for line in archived.around], "archive")
    if away is not None:
        raise away
    return kept._replace(message=f"{kept.message} {_elsewhere()}")


def _elsewhere() -> str:
    return (
        f"Redis keeps the newest {settings.LOGS_RECENT} lines of all services. The archive has none of this id: it "
        "keeps lines at or above their stream's archive level, for their stream's days of retention."
    )


# --- Redis ------------------------------------------------------------------------------------------------------------


class Recent(NamedTuple):
    """What Redis has around a line; whether Kafka could have no more of it."""

    found: Found
    whole: bool


def _in_redis(line_id: str, hidden: frozenset[str], before: int, after: int) -> Recent | Gone | None:
    """None where Redis has no such line, or does not answer."""
    try:
        lines = newest_lines(RECENT)
    except StateAway:
        return None
    begins = b'{"id":"%b",' % line_id.encode()
    at = next((i for i, line in enumerate(lines) if line.data.startswith(begins)), None)
    if at is None:
        return None
    own = _numbered(lines[at])
    if own["service"] in hidden:
        return Gone("no_such_line", NEVER)
    earlier = list(islice(_of_service(own["service"], reversed(lines[:at])), before))
    later = list(islice(_of_service(own["service"], lines[at + 1 :]), after))
    found = Found(line_id, [*reversed(earlier), own, *later], "redis")
    return Recent(found, len(earlier) == before or lines[0].number == 1)


def _of_service(service: str, lines: Iterable[Line]) -> Iterator[Shown]:
    return (shown for line in lines if (shown := _numbered(line))["service"] == service)


def _numbered(line: Line) -> Shown:
    return {"n": line.number, **msgspec.json.decode(line.data)}


# --- Kafka ------------------------------------------------------------------------------------------------------------


def _in_kafka(
    line_id: str, life: str, partition: int, offset: int, hidden: frozenset[str], before: int, after: int
) -> Found | Gone:
    """As workers read it: the same shapes, the same redaction. Raises KafkaAway."""
    with Excerpt(TOPIC, partition, WAIT_S) as excerpt:
        if excerpt.life != life:
            now = f"its life is {excerpt.life} now" if excerpt.life else f"it has no partition {partition} now"
            return Gone("topic_made_again", f"The topic {TOPIC} of this line (life {life}) was deleted: {now}.")
        if offset < excerpt.first:
            return Gone(
                "kafka_retention",
                f"Kafka's retention removed this line: partition {partition} of {TOPIC} begins at offset "
                f"{excerpt.first}, and the line was at {offset}.",
            )
        events = _events(excerpt.read(offset, offset + 1))
        at = next((i for i, event in enumerate(events) if event.id == line_id), None)
        if at is None or events[at].service in hidden:
            return Gone("no_such_line", NEVER)
        own = events[at]
        later = _collect(own, events[at + 1 :], _onwards(excerpt, offset + 1), after)
        earlier = _collect(own, events[:at][::-1], _backwards(excerpt, offset), before)
    return Found(line_id, [_shown(event) for event in (*reversed(earlier), own, *later)], "kafka")


def _collect(own: LogEvent, first: list[LogEvent], others: Iterator[LogEvent], most: int) -> list[LogEvent]:
    """The nearest lines of the same service: of the same record, then of those beside it."""
    found = [event for event in first if event.service == own.service][:most]
    found += islice((event for event in others if event.service == own.service), most - len(found))
    return found


def _onwards(excerpt: Excerpt, start: int) -> Iterator[LogEvent]:
    for _ in range(CHUNKS):
        if start >= excerpt.end or excerpt.spent:
            return
        yield from _events(excerpt.read(start, start + CHUNK))
        start += CHUNK


def _backwards(excerpt: Excerpt, stop: int) -> Iterator[LogEvent]:
    """Newest first. A piece that was not read to its end would leave a hole before the line."""
    for _ in range(CHUNKS):
        records = excerpt.read(stop - CHUNK, stop)
        if not records or excerpt.spent:
            return
        yield from reversed(_events(records))
        stop -= CHUNK


def _events(records: Iterable[Record]) -> list[LogEvent]:
    return [event for record in records if not isinstance(found := normalise(record), Malformed) for event in found]


def _shown(event: LogEvent) -> Shown:
    shown: Shown = msgspec.json.decode(encode_line(event))
    return shown
