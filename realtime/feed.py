"""One group as a web process sees it: pushes in seq order, merged, encoded once, compared with Redis."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from realtime import catchup, frames, groups
from realtime.cursors import Cursor
from realtime.frames import Frame
from realtime.history import History
from realtime.lenses import Line, Part, Value, View
from realtime.shapes import Id, Kind
from realtime.state.connection import StateAway
from realtime.state.reader import Head, Reader
from realtime.viewers import Phase, Viewer

logger = logging.getLogger(__name__)

EARLY_S = 0.1
COMPARE_S, HURRY_S = 2.0, 0.25
SILENCE_S = 15.0
REDIS_AWAY = "Redis does not answer"


class Feed:
    """The viewers of one group. All of it runs in one event loop, so between two awaits nothing moves."""

    def __init__(self, group: str, reader: Reader, layer: Any, interval_s: float, clock: Callable[[], float]) -> None:
        self.group, self.reader, self.layer, self.interval_s, self.clock = group, reader, layer, interval_s, clock
        self.viewers: set[Viewer] = set()
        self.epoch: str | None = None
        self.history = History()
        self.stale: str | None = None
        self._views: dict[str, View] = {}
        self._flushed = 0.0
        self._flush_handle: asyncio.TimerHandle | None = None
        self._gap_handle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- viewers come and go ------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._spawn(self._listen())
        self._spawn(self._tend())

    def stop(self) -> None:
        for handle in (self._flush_handle, self._gap_handle):
            if handle:
                handle.cancel()
        for task in list(self._tasks):
            task.cancel()

    def add(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        viewer.opened = viewer.opened or self.clock()
        viewer.wants_more, viewer.starts_over = self._more, self._start_over
        self._views[viewer.view.name] = viewer.view
        if self.stale:
            self._beat(viewer)
        self._welcome_new()

    def remove(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)

    def _more(self, viewer: Viewer) -> None:
        self._flush_when_due()

    def _start_over(self, viewer: Viewer) -> None:
        viewer.phase = Phase.NEW
        self._welcome_new()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("The feed of group %s failed.", self.group, exc_info=error)

    # --- pushes -------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for push in groups.receive(self.layer, self.group):
            self._on_push(push)

    def _on_push(self, push: dict[str, Any]) -> None:
        if push["epoch"] != self.epoch:
            return
        if self.history.add(push["seq"], self._part(push)):
            self._flush_when_due()
        if self.history.waits and self._gap_handle is None:
            self._gap_handle = asyncio.get_running_loop().call_later(EARLY_S, self._on_gap)

    def _part(self, push: dict[str, Any]) -> Part:
        """A push in the terms of the views that are watched; what no view knows is left out."""
        kinds: dict[str, Kind] = {kind.name: kind for view in self._views.values() for kind in view.kinds}
        tallies = {tally.name: tally for view in self._views.values() for tally in view.tallies}
        values: dict[Id, Value] = {}
        for name, id, data in push["values"]:
            if name in kinds:
                values[kinds[name], id] = Value(data, push["seq"])
        first = push["last"] - len(push["lines"]) + 1
        lines = [Line(first + i, data) for i, data in enumerate(push["lines"])]
        totals = {(tallies[name], bucket, field): n for name, bucket, field, n in push["totals"] if name in tallies}
        return Part(values, lines, totals, push["produced"])

    def _flush_when_due(self) -> None:
        self._flush_soon(max(0.0, self._flushed + self.interval_s - self.clock()))

    def _flush_soon(self, wait_s: float) -> None:
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_later(wait_s, self._flush)

    def _on_gap(self) -> None:
        self._gap_handle = None
        if self.history.waits:
            self._spawn(self._mend())

    async def _mend(self) -> None:
        try:
            await self._read_missed()
        except StateAway:
            self._set_stale(REDIS_AWAY)

    async def _read_missed(self) -> None:
        """A push was lost: reads what changed since, or starts every viewer afresh where that is not known."""
        epoch, seq = self.epoch, self.history.seq
        number = min((viewer.number for viewer in self.viewers if viewer.ready), default=0)
        whole, reach = Part(), seq
        for view in list(self._views.values()):
            missed = await catchup.since(self.reader, view, seq, number, self.clock())
            if epoch != self.epoch:
                return
            if missed is None:
                self._restart()
                return
            whole.add(missed.part)
            reach = max(reach, missed.seq)
        if self.history.reach(reach, whole):
            self._flush_when_due()

    # --- frames -------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Sends what came since the last flush: one encoding for all viewers that see, and hold, the same."""
        self._flush_handle = None
        self._flushed = now = self.clock()
        merged: dict[int, Part | None] = {}
        encoded: dict[Any, list[Frame]] = {}
        for viewer in self.viewers:
            if not viewer.ready or viewer.seq >= self.history.seq:
                continue
            if not viewer.has_room:
                viewer.behind = True
                continue
            if viewer.seq not in merged:
                merged[viewer.seq] = self.history.after(viewer.seq)
            part = merged[viewer.seq]
            if part is None:
                viewer.phase = Phase.NEW
            else:
                self._deliver(viewer, part, encoded, now)
        if not any(viewer.phase is Phase.WELCOMING for viewer in self.viewers):
            self.history.forget()
        self._welcome_new()

    def _deliver(self, viewer: Viewer, part: Part, encoded: dict[Any, list[Frame]], now: float) -> None:
        lens, view = viewer.lens, viewer.view
        last = max(viewer.number, part.lines[-1].number if part.lines else 0)
        cursor = Cursor(self.epoch or "", self.history.seq, last)
        key = (view.name, lens.share, viewer.seq, viewer.number)
        texts = encoded.get(key) if lens.share is not None else None
        if texts is None:
            texts = encoded[key] = frames.deltas(lens, part, viewer.number, view.limit, cursor, int(now * 1000))
        viewer.seq, viewer.number = self.history.seq, last
        viewer.offer(texts, now)
        if wanted := lens.wants():
            self._spawn(self._fetch(viewer, list(wanted)))

    async def _fetch(self, viewer: Viewer, ids: list[Id]) -> None:
        """Values that became visible to one viewer by what it was just sent."""
        try:
            read = await self.reader.values(self.group, ids)
        except StateAway:
            return self._set_stale(REDIS_AWAY)
        if read.epoch == self.epoch and viewer in self.viewers:
            body = viewer.lens.frame(read.part, viewer.seq)
            if body is not None:
                cursor = Cursor(self.epoch or "", viewer.seq, viewer.number)
                viewer.offer([frames.encode("delta", body, cursor, int(self.clock() * 1000))], self.clock())
        return None

    # --- snapshots and resumes ----------------------------------------------------------------------------------------

    def _welcome_new(self) -> None:
        if self.epoch is None:
            return
        for viewer in self.viewers:
            if viewer.phase is Phase.NEW:
                viewer.phase = Phase.WELCOMING
                self._spawn(self._welcome(viewer))

    async def _welcome(self, viewer: Viewer) -> None:
        """Brings a viewer to the present: what it missed where its cursor can be honoured, else a snapshot."""
        epoch = self.epoch
        try:
            if not (viewer.resume and await self._resume(viewer, viewer.resume)):
                await self._snapshot(viewer)
        except StateAway:
            self._set_stale(REDIS_AWAY)
        if epoch != self.epoch:
            return  # the welcome of the new life is under way
        if not viewer.ready:
            viewer.phase = Phase.NEW  # `_tend` tries again
            return
        viewer.resume = None
        if self.stale:
            self._beat(viewer)
        if viewer.seq < self.history.seq:
            self._flush_soon(0)

    async def _snapshot(self, viewer: Viewer) -> None:
        now = self.clock()
        read = await catchup.snapshot(self.reader, viewer.view, viewer.lens, self.epoch or "", now)
        if read is not None and read[0].epoch == self.epoch:
            self._send_whole(viewer, "snapshot", read[1], read[0])

    async def _resume(self, viewer: Viewer, cursor: Cursor) -> bool:
        """Sends what was missed since a cursor; False where the cursor cannot be honoured."""
        if cursor.epoch != self.epoch or cursor.seq > self.history.seq or viewer.view.takes_argument:
            return False
        missed = await catchup.since(self.reader, viewer.view, cursor.seq, cursor.number, self.clock())
        if missed is None or cursor.number > missed.number or cursor.epoch != self.epoch:
            return False
        reached = Cursor(cursor.epoch, missed.seq, missed.number)
        first = missed.part.lines[0].number if missed.part.lines else missed.number + 1
        if first > cursor.number + 1:
            now = self.clock()
            viewer.offer([frames.encode("gap", {"missed": first - cursor.number - 1}, reached, int(now * 1000))], now)
        self._send_whole(viewer, "delta", missed.part, reached)
        return True

    def _send_whole(self, viewer: Viewer, type: str, part: Part, cursor: Cursor) -> None:
        now = self.clock()
        viewer.seq, viewer.number, viewer.phase = cursor.seq, cursor.number, Phase.READY
        viewer.offer(frames.whole(type, viewer.lens, part, cursor, int(now * 1000)), now)

    def _restart(self) -> None:
        """Every viewer gets a fresh snapshot."""
        for viewer in self.viewers:
            viewer.phase, viewer.resume = Phase.NEW, None
        self._welcome_new()

    # --- the truth ----------------------------------------------------------------------------------------------------

    async def _tend(self) -> None:
        """Compares with Redis, follows a new epoch, breaks silences."""
        compared = float("-inf")
        while True:
            now = self.clock()
            if self.stale or now - compared >= COMPARE_S:
                compared = now
                try:
                    await self._compare(now)
                except Exception:
                    logger.exception("The feed of group %s could not compare itself with Redis.", self.group)
                    self._set_stale(REDIS_AWAY)
                self._welcome_new()
            for viewer in self.viewers:
                viewer.tend(now)
                if viewer.has_room and now - viewer.spoken >= SILENCE_S:
                    self._beat(viewer)
            await asyncio.sleep(HURRY_S if self.stale else 1.0)

    async def _compare(self, now: float) -> None:
        try:
            head = await self.reader.head(self.group, now)
            if head.epoch == self.epoch and head.seq > self.history.seq:
                await asyncio.sleep(EARLY_S)  # its push may be on the way
                if head.seq > self.history.seq:
                    await self._read_missed()
        except StateAway:
            return self._set_stale(REDIS_AWAY)
        if head.epoch is None:
            return self._set_stale("The state is being rebuilt")
        if head.epoch != self.epoch:
            if not head.settled:
                return self._set_stale("Catching up after a restart")
            self._begin(head)
        self._set_stale(None if head.worker else "No worker is reading the topics")
        return None

    def _begin(self, head: Head) -> None:
        """A new life of the state: every viewer gets a snapshot of it."""
        first = self.epoch is None
        self.epoch, self.history = head.epoch, History(head.seq)
        if first:
            self._welcome_new()  # with the cursors that they came with
        else:
            self._restart()

    def _set_stale(self, reason: str | None) -> None:
        if reason != self.stale:
            self.stale = reason
            for viewer in self.viewers:
                self._beat(viewer)

    def _beat(self, viewer: Viewer) -> None:
        now = self.clock()
        body: dict[str, Any] = {"stale": True, "reason": self.stale} if self.stale else {}
        cursor = Cursor(self.epoch, viewer.seq, viewer.number) if self.epoch and viewer.ready else None
        viewer.offer([frames.encode("heartbeat", body, cursor, int(now * 1000))], now)
