"""The view `pipeline`: how the machine itself stands. One web process at a time tells it, while somebody watches."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from realtime import groups, standing
from realtime.health import kafka_answers
from realtime.lenses import FORBIDDEN, SIGNED_OUT, Denied, Lens, Part, View
from realtime.models import DeadLetter
from realtime.outbox import depth
from realtime.policy import Every
from realtime.shapes import Id, Kind
from realtime.state import overview
from realtime.state.connection import StateAway
from realtime.state.packing import Push
from realtime.state.server import facts

logger = logging.getLogger(__name__)

TELL_S = 2.0
MOST_LETTERS = 1000
"""Of the last hour's dead letters so many are asked for their reason."""
OVERVIEW = Kind("overview", "pipeline", "pipeline:", ids=("overview", "history"))
ID: Id = (OVERVIEW, "overview")
HISTORY: Id = (OVERVIEW, "history")


class OverviewLens(Lens):
    """The same for every member of staff."""

    share = "pipeline"

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str]:
        return kind.ids

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        value = part.values.get(ID)
        if value is None or value.data is None:
            return None if held is not None else {"overview": None}
        history = part.values.get(HISTORY) if held is None else None  # later each overview is its next point
        further = {"history": msgspec.Raw(history.data)} if history and history.data else {}
        return {"overview": msgspec.Raw(value.data), **further}


def open_overview(user: Any, argument: str, params: Mapping[str, str]) -> Lens | Denied:
    if not user.is_authenticated:
        return Denied(SIGNED_OUT, "Sign in to see the pipeline.")
    if not user.is_active or not user.is_staff:
        return Denied(FORBIDDEN, "The pipeline is for staff.")
    return OverviewLens()


PIPELINE = View("pipeline", "pipeline", open_overview, kinds=(OVERVIEW,))


class Teller:
    """Tells the overview every TELL_S, unless another process did."""

    def __init__(self, views: Sequence[str]) -> None:
        self.views = views
        self._turns = Every(TELL_S)

    async def turn(self, now: float) -> None:
        if not self._turns.due(now):
            return
        try:
            pushes = await database_sync_to_async(self._tell)()
            await groups.Pusher.send(get_channel_layer(), pushes)
        except Exception as error:  # whoever watches sees that nothing new comes
            logger.warning("The overview of the pipeline was not told (%s).", error)

    def _tell(self) -> list[Push]:
        try:
            return overview.tell((ID, HISTORY), self.views, judged)
        except StateAway:
            return []


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """What Redis holds, with what the database and the servers say, added up and judged."""
    whole = {**found, **depths(), "redis": _redis(), "kafka": kafka_answers()}
    there = [process for process in found["processes"] if found["at"] - process["seen"] <= standing.GONE_MS]
    whole |= {"rates": standing.rates(there), "latency": standing.latencies(there)}
    whole["problems"] = [problem._asdict() for problem in standing.problems(whole)]
    whole["processes"] = [{k: v for k, v in process.items() if k != "latency"} for process in whole["processes"]]
    return whole


def depths() -> dict[str, Any]:
    """What waits in the database; None where it does not answer."""
    try:
        letters = DeadLetter.objects.filter(state=DeadLetter.State.OPEN)
        lately = letters.filter(received_at__gt=timezone.now() - timedelta(hours=1))
        reasons = Counter(reason.partition(":")[0] for reason in lately.values_list("reason", flat=True)[:MOST_LETTERS])
        told = {"open": letters.count(), "hour": lately.count(), "reasons": reasons.most_common(5)}
        return {"outbox": depth()._asdict(), "letters": told, "database": connection.vendor}
    except DatabaseError:
        connection.close()
        return {"outbox": None, "letters": None, "database": connection.vendor}


def _redis() -> dict[str, Any]:
    found = facts()
    return {name: getattr(found, name) for name in ("version", "policy", "maxmemory", "used", "keeps", "unsaved")}
