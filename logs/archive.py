"""Writes log lines to the database: those at or above their stream's level, each once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from logs.events import LogEvent
from logs.keys import TRACE_ID
from logs.levels import SEVERITY
from logs.models import LogLine, LogStream
from logs.window import OTHER

MAX_STREAMS = 1_000
"""Services seen after these are archived together, as `other`: made-up names cannot fill the table."""


def archive(events: Sequence[LogEvent]) -> None:
    """Called inside the transaction that stores the applied offset. Few queries, however many services."""
    streams = _streams(events)
    lines = [
        _line(event, stream)
        for event in events
        for stream in (streams[event.service],)
        if SEVERITY[event.level] >= stream.archive_level
    ]
    if lines:
        LogLine.objects.bulk_create(lines, ignore_conflicts=True)


def _streams(events: Sequence[LogEvent]) -> Mapping[str, LogStream]:
    """The stream of each service; what is seen for the first time becomes one."""
    first_seen: dict[str, int] = {}
    for event in events:
        first_seen[event.service] = min(event.appended, first_seen.get(event.service, event.appended))
    found = _find(first_seen)
    missing = sorted(first_seen.keys() - found.keys())
    if not missing:
        return found
    room = max(0, MAX_STREAMS - LogStream.objects.count())
    names = missing[:room] if len(missing) <= room else [*missing[:room], OTHER]
    earliest = min(first_seen.values())
    new = [LogStream(service=name, first_seen=_moment(first_seen.get(name, earliest))) for name in names]
    LogStream.objects.bulk_create(new, ignore_conflicts=True)
    found.update(_find(names))
    return {service: found.get(service) or found[OTHER] for service in first_seen}


def _find(services: Iterable[str]) -> dict[str, LogStream]:
    return {stream.service: stream for stream in LogStream.objects.filter(service__in=list(services))}


def _line(event: LogEvent, stream: LogStream) -> LogLine:
    fields = event.fields
    if stream.service != event.service:
        fields = {**fields, "service": event.service}
    return LogLine(
        line_id=event.id,
        stream=stream,
        timestamp=_moment(event.timestamp),
        appended_at=_moment(event.appended),
        level=SEVERITY[event.level],
        message=event.message,
        fields=fields,
        trace=str(fields.get(TRACE_ID, ""))[:64],
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
