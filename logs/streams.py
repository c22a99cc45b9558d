"""The logs' stream: topic `service-logs`, what it does to the state, who may watch it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from logs import window
from logs.access import hidden_from, may_view
from logs.alerting import ALERTS
from logs.archive import archive
from logs.events import TOPIC
from logs.filters import BadFilter, read_filter
from logs.lens import SINCE, LogsLens
from logs.rules import normalise
from realtime.api import FORBIDDEN, NOT_UNDERSTOOD, SIGNED_OUT, Denied, Lens, Stream, Tail, View

RECENT = Tail(window.GROUP, "logs:recent", "logs:number", keep=settings.LOGS_RECENT)
HOUR_MS = 3_600_000


def open_logs(user: Any, argument: str, params: Mapping[str, str]) -> Lens | Denied:
    """The lines that were asked for, of the streams that this user may see."""
    if not user.is_authenticated:
        return Denied(SIGNED_OUT, "sign in to see the logs")
    if not may_view(user):
        return Denied(FORBIDDEN, "you may not see the logs")
    try:
        return LogsLens(read_filter(params), hidden_from(user))
    except BadFilter as error:
        return Denied(NOT_UNDERSTOOD, str(error))


LOGS = View(
    name="logs",
    group=window.GROUP,
    open=open_logs,
    kinds=(window.SERVICES, window.SINCE),
    tail=RECENT,
    tallies=(window.SECONDS, window.MINUTES),
    per_second=settings.LOGS_PER_SECOND,
)

SERVICE_LOGS = Stream(
    topic=TOPIC,
    decode=normalise,
    keys=window.keys,
    reduce=partial(window.reduce, tail=RECENT),
    views=(LOGS,),
    archive=archive,
    rewind_ms=HOUR_MS,
    since=SINCE,
    duties=(ALERTS,),
)
