"""The view `pipeline`: how the machine itself stands. One web process at a time tells it, while somebody watches."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from realtime import groups
from realtime.lenses import FORBIDDEN, SIGNED_OUT, Denied, Lens, Part, View
from realtime.models import DeadLetter, Outbox
from realtime.policy import Every
from realtime.shapes import Id, Kind
from realtime.state import overview
from realtime.state.connection import StateAway
from realtime.state.packing import Push

logger = logging.getLogger(__name__)

TELL_S = 2.0
OVERVIEW = Kind("overview", "pipeline", "pipeline:", ids=("overview",))
ID: Id = (OVERVIEW, "overview")


class OverviewLens(Lens):
    """The same for every member of staff."""

    share = "pipeline"

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str]:
        return kind.ids

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        value = part.values.get(ID)
        if value is None or value.data is None:
            return None if held is not None else {"overview": None}
        return {"overview": msgspec.Raw(value.data)}


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
            return overview.tell(ID, self.views, depths())
        except StateAway:
            return []


def depths() -> dict[str, int]:
    """What waits in the database."""
    return {"outbox": Outbox.objects.filter(sent_at=None).count(), "dead_letters": DeadLetter.objects.count()}
