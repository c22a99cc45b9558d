"""The pushes of one group as a web process takes them: in the order of their seqs; what was lost is read from Redis."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from realtime import catchup, groups
from realtime.history import History
from realtime.lenses import Line, Part, Value, View
from realtime.shapes import Id, Kind, Tally
from realtime.state.connection import StateAway
from realtime.state.reader import Head, Reader

EARLY_S = 0.1
"""How long a push that came early waits for its predecessors."""


@dataclass
class Pushes:
    """What came of one group since the epoch began, as far as anybody may still want it."""

    group: str
    reader: Reader
    clock: Callable[[], float]
    number: Callable[[], int]
    """The last line that every viewer holds."""
    moved: Callable[[], None]
    """Called when there is something new."""
    lost: Callable[[], None]
    """Called when nobody knows any more what was lost."""
    away: Callable[[], None]
    """Called when Redis does not answer."""

    def __post_init__(self) -> None:
        self.epoch: str | None = None
        self.history = History()
        self.views: dict[str, View] = {}
        self._kinds: dict[str, Kind] = {}
        self._tallies: dict[str, Tally] = {}
        self._tells_lines = False
        self._gap_handle: asyncio.TimerHandle | None = None
        self._mending: asyncio.Task[None] | None = None

    def know(self, view: View) -> None:
        """Takes from now on what a view shows out of pushes; what was taken before may lack it."""
        if view.name not in self.views:
            self.views[view.name] = view
            self._kinds |= {kind.name: kind for kind in view.kinds}
            self._tallies |= {tally.name: tally for tally in view.tallies}
            self._tells_lines = self._tells_lines or view.tail is not None
            self.history.forget()

    def begin(self, head: Head) -> None:
        """A new life of the state."""
        self.epoch, self.history = head.epoch, History(head.seq)

    def stop(self) -> None:
        if self._gap_handle is not None:
            self._gap_handle.cancel()
        if self._mending is not None:
            self._mending.cancel()

    async def listen(self, layer: Any) -> None:
        """Is a member of the group until it is cancelled."""
        async for push in groups.receive(layer, self.group):
            self._take(push)

    async def compare(self, now: float) -> Head:
        """Where the group stands in Redis. What its history lacks, since a push was lost, is read. Raises StateAway."""
        head = await self.reader.head(self.group, now)
        if head.epoch == self.epoch and head.seq > self.history.seq:
            await asyncio.sleep(EARLY_S)  # its push may be on the way
            if head.seq > self.history.seq:
                await self._read_missed()
        return head

    def _take(self, push: dict[str, Any]) -> None:
        if push["epoch"] != self.epoch:
            return
        if self.history.add(push["seq"], self._part(push)):
            self.moved()
        if self.history.waits and self._gap_handle is None:
            self._gap_handle = asyncio.get_running_loop().call_later(EARLY_S, self._on_gap)

    def _part(self, push: dict[str, Any]) -> Part:
        """A push in the terms of the views that are watched; what no view knows is left out."""
        kinds, tallies, seq = self._kinds, self._tallies, push["seq"]
        values: dict[Id, Value] = {
            (kinds[name], id): Value(data, seq) for name, id, data in push["values"] if name in kinds
        }
        first = push["last"] - len(push["lines"]) + 1
        lines = [Line(first + i, data) for i, data in enumerate(push["lines"])] if self._tells_lines else []
        totals = {(tallies[name], bucket, field): n for name, bucket, field, n in push["totals"] if name in tallies}
        return Part(values, lines, totals, push["produced"])

    def _on_gap(self) -> None:
        self._gap_handle = None
        if self.history.waits and (self._mending is None or self._mending.done()):
            self._mending = asyncio.get_running_loop().create_task(self._mend())

    async def _mend(self) -> None:
        try:
            await self._read_missed()
        except StateAway:
            self.away()

    async def _read_missed(self) -> None:
        """A push was lost: reads what changed since."""
        epoch, seq, number = self.epoch, self.history.seq, self.number()
        whole, reach = Part(), None
        for view in list(self.views.values()):
            missed = await catchup.missed(self.reader, view, seq, number, self.clock())
            if epoch != self.epoch:
                return
            if missed is None:
                self.lost()
                return
            whole.add(missed.part)
            reach = missed.seq if reach is None else min(reach, missed.seq)
        if self.history.reach(reach or seq, whole):
            self.moved()
