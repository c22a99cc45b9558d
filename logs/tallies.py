"""Counts of a longer time than the live view sends, for the charts: exact, by bars of whole minutes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from logs import window
from logs.events import TOPIC
from logs.filters import BadFilter, LogFilter, read_filter
from logs.lens import SINCE
from realtime.api import Span, survey

MOST_S = 90_000
"""A day, and the hour in which a page moves on."""
MOST_BARS = 1_500


class Asked(NamedTuple):
    """Bars of `width` seconds from `begin` up to `end`, which is not part of them; all are multiples of a minute."""

    begin: int
    end: int
    width: int
    filter: LogFilter


def read_counts(params: Mapping[str, str]) -> Asked:
    """The parameters `from`, `until` and `width` (Unix seconds), `services` and `levels`. Raises BadFilter."""
    begin, end, width = (_seconds(params, name) for name in ("from", "until", "width"))
    if not 0 < width <= MOST_S or width % window.MINUTES.bucket:
        raise BadFilter(f"width is {width}; it takes multiples of {window.MINUTES.bucket}, up to {MOST_S}")
    for name, second in (("from", begin), ("until", end)):
        if second % width:
            raise BadFilter(f"{name} is {second}; it takes multiples of width, {width}")
    if not 0 <= end - begin <= min(MOST_S, width * MOST_BARS):
        raise BadFilter(f"until is {end}; it takes at most {MOST_S} seconds from {begin}")
    filter = read_filter({name: params.get(name, "") for name in ("services", "levels")})
    return Asked(begin, end, width, filter)


def _seconds(params: Mapping[str, str], name: str) -> int:
    said = params.get(name, "")
    if not (said.isdecimal() and len(said) <= 12):
        raise BadFilter(f"{name} is {said[:40]!r}; it takes Unix seconds")
    return int(said)


def counts(asked: Asked, hidden: frozenset[str]) -> dict[str, Any]:
    """The lines of each bar by service and level, as frames have them. Raises StateAway."""
    span = Span(window.MINUTES, asked.begin, asked.end - 1)
    surveyed = survey(TOPIC, (span,) if asked.end > asked.begin else (), (SINCE,))
    since = surveyed.values[SINCE]
    return {
        "counts": _bars(asked, surveyed.totals, hidden),
        "counts_since": None if since is None else int(msgspec.json.decode(since, type=float)),
    }


def _bars(asked: Asked, totals: Mapping[tuple[Any, int, str], int], hidden: frozenset[str]) -> list[list[Any]]:
    """What may be seen and is asked for (pure)."""
    found: dict[tuple[int, str, str], int] = {}
    for (_, bucket, field), total in totals.items():
        level, service = window.split_field(field)
        if asked.begin <= bucket < asked.end and service not in hidden and asked.filter.counts(level, service):
            key = (bucket - bucket % asked.width, service, level)
            found[key] = found.get(key, 0) + total
    return [[*key, total] for key, total in found.items()]
