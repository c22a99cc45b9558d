"""Archived lines leave the database when their stream's retention is over."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from logs.alert_models import Incident
from logs.models import LogLine, LogStream

KEEP_INCIDENTS = timedelta(days=90)
"""After they are over."""
AT_ONCE = 2_000
"""Lines of one statement: nobody who writes meanwhile waits long."""


def prune(now: datetime) -> Mapping[str, int]:
    """Deletes what Kafka took longer ago than its stream says; counts by what they count.

    Told by the time of append, not by the line's own: an old file that was read in today stays as long as any other.
    """
    lines = sum(_prune(stream, now) for stream in LogStream.objects.all())
    incidents, _ = Incident.objects.filter(resolved_at__lt=now - KEEP_INCIDENTS).delete()
    return {"archived log lines": lines, "incidents and what was told of them": incidents}


def _prune(stream: LogStream, now: datetime) -> int:
    old = LogLine.objects.filter(stream=stream, appended_at__lt=now - timedelta(days=stream.retention_days))
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        deleted += LogLine.objects.filter(pk__in=ids).delete()[0]
    return deleted
