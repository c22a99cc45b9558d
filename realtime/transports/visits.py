"""Everybody who watches in this process: how many may, who still may, who is counted, and how all are sent away."""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError

from realtime.hub import hub
from realtime.lenses import Denied, Lens
from realtime.overview import PIPELINE, Teller
from realtime.policy import Every
from realtime.state.connection import StateAway, async_client, names
from realtime.state.presence import BEAT_S, Presence, watched
from realtime.streams import views
from realtime.tolls import TOLLS
from realtime.transports.sessions import user_of
from realtime.viewers import Viewer

logger = logging.getLogger(__name__)

TURN_S = 1.0
CHECKED_AT_ONCE = 50
RESTARTING = 1012
DRAIN_BATCHES, DRAIN_PAUSE_S, DRAIN_AT_LEAST = 40, 0.1, 10
COME_BACK_MS = (200, 3000)
"""Between which a viewer that is sent away draws its time to come back, so that not all come at once."""


@dataclass(eq=False)
class Visit:
    """A viewer with who it is. `subject` is what it is counted by where the argument is a secret."""

    viewer: Viewer
    argument: str = field(repr=False)
    params: Mapping[str, str]
    session_key: str = field(repr=False)
    address: str
    user_id: Any
    subject: str = ""
    transport: str = "websocket"

    def sight(self) -> Hashable:
        """Visits of one sight may see the same: they are checked once."""
        return (self.session_key, self.viewer.view.name, self.argument, frozenset(self.params.items()))


class Visits:
    """The visits of one event loop."""

    def __init__(self, check_s: float, presence: Presence, teller: Teller) -> None:
        self.all: set[Visit] = set()
        self.presence, self.teller = presence, teller
        self._by_address: Counter[str] = Counter()
        self._by_user: Counter[Any] = Counter()
        self._checks, self._beats = Every(check_s), Every(BEAT_S)
        self._shown: Counter[str] = Counter()
        self._tending: asyncio.Task[None] | None = None

    def has_room(self, address: str) -> bool:
        return self._by_address[address] < settings.VIEWERS_PER_ADDRESS

    def has_room_for_user(self, user_id: Any) -> bool:
        return user_id is None or self._by_user[user_id] < settings.VIEWERS_PER_USER

    def come(self, address: str) -> None:
        """Counts a connection, also while it is still being opened."""
        self._by_address[address] += 1

    def go(self, address: str) -> None:
        self._by_address[address] -= 1
        self._by_address += Counter()  # forgets who has none

    def enter(self, visit: Visit) -> None:
        """Attaches the viewer; its address was counted by `come`."""
        self.all.add(visit)
        TOLLS.enter(visit.viewer, visit.transport)
        self._by_user[visit.user_id] += 1
        hub().attach(visit.viewer)
        if self._tending is None:
            self._checks.due(time.monotonic())  # whoever comes was just checked
            self._tending = asyncio.get_running_loop().create_task(self._tend())

    def leave(self, visit: Visit) -> None:
        if visit in self.all:
            self.all.remove(visit)
            TOLLS.leave(visit.viewer)
            self._by_user[visit.user_id] -= 1
            self._by_user += Counter()
            hub().detach(visit.viewer)
            self.go(visit.address)

    async def _tend(self) -> None:
        """Shows who is there and checks who still may, until nobody is left."""
        try:
            while self.all or self._shown:
                await self._show()
                if any(visit.viewer.view is PIPELINE for visit in self.all):
                    await self.teller.turn(time.monotonic())
                if self._checks.due(time.monotonic()):
                    await self.check()
                await asyncio.sleep(TURN_S)
        finally:
            self._tending = None

    async def _show(self) -> None:
        counts = Counter(watched(visit.viewer.view.name) for visit in self.all)
        counts.update(watched(v.viewer.view.name, v.subject) for v in self.all if v.subject)
        if counts != self._shown or self._beats.due(time.monotonic()):
            with contextlib.suppress(StateAway):  # who watches is then told late
                await self.presence.show(counts)
                self._shown = counts

    async def check(self) -> None:
        """Closes every viewer whose session, permission or link is gone; whoever may see more or less now gets that.

        A database that is away closes nobody.
        """
        sights: dict[Hashable, list[Visit]] = {}
        for visit in self.all:
            sights.setdefault(visit.sight(), []).append(visit)
        groups = list(sights.items())
        for first in range(0, len(groups), CHECKED_AT_ONCE):
            some = groups[first : first + CHECKED_AT_ONCE]
            try:
                answers = await database_sync_to_async(_looked_again)([visits[0] for _, visits in some])
            except DatabaseError as error:
                logger.warning("Permissions were not checked: the database does not answer (%s).", error)
                return
            for (sight, group), found in zip(some, answers, strict=True):
                for visit in group:
                    if isinstance(found, Denied):
                        visit.viewer.close(found.code, found.reason)
                    elif visit.sight() == sight and found.share != visit.viewer.lens.share:
                        visit.viewer.refilter(found)

    async def drain(self, within_s: float) -> None:
        """Sends everybody away in small batches, each with a time of its own to come back; waits until they left."""
        end = time.monotonic() + within_s
        leaving = random.sample(list(self.all), len(self.all))
        size = max(DRAIN_AT_LEAST, -(-len(leaving) // DRAIN_BATCHES))
        for first in range(0, len(leaving), size):
            for visit in leaving[first : first + size]:
                visit.viewer.close(RESTARTING, f"restarting; retry={random.randint(*COME_BACK_MS)}")
            await asyncio.sleep(DRAIN_PAUSE_S)
        while self.all and time.monotonic() < end:
            await asyncio.sleep(DRAIN_PAUSE_S)
        with contextlib.suppress(StateAway):
            await self.presence.show({})


def _looked_again(visits: Sequence[Visit]) -> list[Lens | Denied]:
    """In a thread: what each of these would see if it came now."""
    users: dict[str, Any] = {}
    answers: list[Lens | Denied] = []
    for visit in visits:
        if visit.session_key not in users:
            users[visit.session_key] = user_of(visit.session_key)
        answers.append(visit.viewer.view.open(users[visit.session_key], visit.argument, visit.params))
    return answers


_visits: dict[asyncio.AbstractEventLoop, Visits] = {}


def visits() -> Visits:
    """The visits of the running event loop: one set per web process."""
    loop = asyncio.get_running_loop()
    if loop not in _visits:
        for gone in [other for other in _visits if other.is_closed()]:
            del _visits[gone]
        presence, teller = Presence(async_client(), names()), Teller(sorted(views()))
        _visits[loop] = Visits(settings.PERMISSIONS_CHECK_S, presence, teller)
    return _visits[loop]
