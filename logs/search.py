"""Search in the archive: by time, service, level, words and trace, newest first, page by page."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from logs.filters import BadFilter, read_filter
from logs.levels import SEVERITY
from logs.models import LEVEL_NAMES, LogLine
from realtime.api import millis

PAGE = 200
MAX_WORDS = 20
MAX_DOWNLOAD = 100_000
"""Lines of one download; whoever wants more narrows the time."""


class Search(NamedTuple):
    """What is looked for; None and "" leave nothing out. `since` and `until` are Unix ms, `until` is not part of it."""

    services: tuple[str, ...] | None = None
    levels: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    trace: str = ""
    since: int | None = None
    until: int | None = None
    before: tuple[int, int] | None = None
    """The place after the last line of a page: its time and its row."""


def read_search(params: Mapping[str, str]) -> Search:
    """The search in `services levels text trace since until before`. Raises BadFilter, naming value and rule."""
    filter = read_filter({name: params.get(name, "") for name in ("services", "levels", "text")})
    words = tuple(filter.text.split())
    if len(words) > MAX_WORDS:
        raise BadFilter(f"text has {len(words)} words; at most {MAX_WORDS}")
    trace = params.get("trace", "").strip()
    if len(trace) > 64:
        raise BadFilter(f"trace has {len(trace)} characters; at most 64")
    since, until = _moment(params, "since"), _moment(params, "until")
    return Search(filter.services, filter.levels, words, trace, since, until, _place(params.get("before", "")))


def _moment(params: Mapping[str, str], name: str) -> int | None:
    said = params.get(name, "").strip()
    if not said:
        return None
    try:
        found = millis(said)
        datetime.fromtimestamp(found / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadFilter(f"{name} is {said[:40]!r}; it takes Unix time or ISO 8601") from None
    return found


def _place(said: str) -> tuple[int, int] | None:
    if not said:
        return None
    time, _, row = said.partition("-")
    if not (time.isdecimal() and row.isdecimal() and len(said) < 40):
        raise BadFilter(f"before is {said[:40]!r}; it takes what the page before gave")
    return int(time), int(row)


def found(search: Search, hidden: frozenset[str]) -> QuerySet[LogLine]:
    """The lines that match, newest first. `hidden` names the services that the asker may not see."""
    lines = LogLine.objects.select_related("stream").order_by("-timestamp", "-id")
    if hidden:
        lines = lines.exclude(stream__service__in=hidden)
    if search.services is not None:
        lines = lines.filter(stream__service__in=search.services)
    if search.levels is not None:
        lines = lines.filter(level__in=[SEVERITY[level] for level in search.levels])
    for word in search.words:
        lines = lines.filter(message__icontains=word)
    if search.trace:
        lines = lines.filter(trace=search.trace)
    if search.since is not None:
        lines = lines.filter(timestamp__gte=_datetime(search.since))
    if search.until is not None:
        lines = lines.filter(timestamp__lt=_datetime(search.until))
    if search.before is not None:
        time, row = _datetime(search.before[0]), search.before[1]
        lines = lines.filter(Q(timestamp__lt=time) | Q(timestamp=time, id__lt=row))
    return lines


def page(search: Search, hidden: frozenset[str]) -> tuple[list[LogLine], str]:
    """A page of lines, and the place from which the next one goes on; empty where there is none."""
    lines = list(found(search, hidden)[: PAGE + 1])
    if len(lines) <= PAGE:
        return lines, ""
    last = lines[PAGE - 1]
    return lines[:PAGE], f"{_ms(last)}-{last.pk}"


def all_of(search: Search, hidden: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The lines for a download, as frames have them."""
    for line in found(search, hidden)[:MAX_DOWNLOAD].iterator(chunk_size=1_000):
        yield as_shown(line)


def as_shown(line: LogLine) -> dict[str, Any]:
    """An archived line in the form of the page's."""
    fields = dict(line.fields)
    service = line.stream.service
    return {
        "id": line.line_id,
        "timestamp": _ms(line),
        "level": LEVEL_NAMES[line.level],
        "service": service,
        "message": line.message,
        "fields": fields,
    }


def _ms(line: LogLine) -> int:
    return round(line.timestamp.timestamp() * 1000)


def _datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


class Around(NamedTuple):
    """A line, and the lines of its service before and after it, in the order of their time."""

    line: LogLine
    around: list[LogLine]


def one(line_id: str, hidden: frozenset[str], before: int, after: int) -> Around | None:
    """The archived line of this id with its surroundings; None where there is none, or none for this asker."""
    line = LogLine.objects.select_related("stream").filter(line_id=line_id).first()
    if line is None or line.stream.service in hidden:
        return None
    near = LogLine.objects.select_related("stream").filter(stream=line.stream)
    earlier = Q(timestamp__lt=line.timestamp) | Q(timestamp=line.timestamp, id__lt=line.pk)
    later = Q(timestamp__gt=line.timestamp) | Q(timestamp=line.timestamp, id__gt=line.pk)
    above = list(near.filter(earlier).order_by("-timestamp", "-id")[:before])
    below = list(near.filter(later).order_by("timestamp", "id")[:after])
    return Around(line, [*reversed(above), line, *below])
