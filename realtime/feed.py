"""The viewers of one group in a web process: what came is merged, and encoded once for all who hold the same."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any

from realtime import frames, metrics
from realtime.cursors import Cursor
from realtime.frames import Told
from realtime.history import History
from realtime.lenses import Lens, Part
from realtime.pushes import Pushes
from realtime.shapes import Id
from realtime.state.connection import StateAway
from realtime.state.reader import Head, Reader
from realtime.viewers import Phase, Viewer
from realtime.welcome import Welcome

logger = logging.getLogger(__name__)

COMPARE_S, HURRY_S = 2.0, 0.25
SILENCE_S = 15.0
KEEP_LENS_S = 120.0
"""How long a lens is kept that nobody looks through: who comes back finds what it knows of them."""
REDIS_AWAY = "Redis does not answer"


class Feed:
    """The viewers of one group. All of it runs in one event loop, so between two awaits nothing moves."""

    def __init__(self, group: str, reader: Reader, layer: Any, interval_s: float, clock: Callable[[], float]) -> None:
        self.group, self.reader, self.layer, self.interval_s, self.clock = group, reader, layer, interval_s, clock
        self.viewers: set[Viewer] = set()
        self.stale: str | None = None
        self._lenses: dict[Hashable, tuple[Lens, float]] = {}
        self.pushes = Pushes(
            group, reader, clock, self._number, self._flush_when_due, self._restart, lambda: self._set_stale(REDIS_AWAY)
        )
        self._welcome = Welcome(
            reader, clock, lambda: self.history.seq, self._welcomed, lambda: self._set_stale(REDIS_AWAY)
        )
        self._flushed = 0.0
        self._flush_handle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- viewers come and go ------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._spawn(self.pushes.listen(self.layer))
        self._spawn(self._tend())

    def stop(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
        self.pushes.stop()
        for viewer in self.viewers:
            self._welcome.leave(viewer)
        for task in list(self._tasks):
            task.cancel()

    def add(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        viewer.opened = viewer.spoken = self.clock()
        viewer.wants_more, viewer.starts_over = self._more, self._start_over
        self.pushes.know(viewer.view)
        self._share_lens(viewer)
        if self.stale:
            self._beat(viewer)
        self._welcome_new()

    def remove(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self._welcome.leave(viewer)

    @property
    def epoch(self) -> str | None:
        return self.pushes.epoch

    @property
    def history(self) -> History:
        return self.pushes.history

    def _number(self) -> int:
        return min((viewer.number for viewer in self.viewers if viewer.ready), default=0)

    def _share_lens(self, viewer: Viewer) -> None:
        share = viewer.lens.share
        if share is not None:
            key = (viewer.view.name, share)
            viewer.lens = self._lenses.get(key, (viewer.lens, 0.0))[0]
            self._lenses[key] = (viewer.lens, self.clock())

    def _more(self, viewer: Viewer) -> None:
        self._flush_when_due()

    def _start_over(self, viewer: Viewer) -> None:
        self._share_lens(viewer)
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

    def _flush_when_due(self) -> None:
        self._flush_soon(max(0.0, self._flushed + self.interval_s - self.clock()))

    def _flush_soon(self, wait_s: float) -> None:
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_later(wait_s, self._flush)

    # --- frames -------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Tells every viewer with room what came since: one encoding for all who see, and hold, the same."""
        self._flush_handle = None
        self._flushed = now = self.clock()
        told: dict[Hashable, Told | None] = {}
        merged: dict[int, tuple[int, Part] | None] = {}
        last: tuple[Viewer, int] | None = None
        for viewer in self.viewers:
            if not viewer.ready or viewer.seq >= self.history.seq:
                continue
            if not viewer.has_room:
                viewer.behind = True
                viewer.conflated += 1
                continue
            if viewer.seq not in merged:
                merged[viewer.seq] = self.history.after(viewer.seq)
            later = merged[viewer.seq]
            if later is None:  # too long ago: Redis knows more
                viewer.phase, viewer.resume = Phase.NEW, self._place(viewer)
            elif self._tell(viewer, later, told, now) and later[1].produced is not None:
                last = viewer, later[1].produced
        if last is not None:
            last[0].once_sent(partial(self._on_screen, last[1]))
        self._welcome_new()

    def _on_screen(self, produced: int) -> None:
        """The last viewer that was told has its frame: how old the news is by now."""
        metrics.TO_SCREEN.labels(self.group).observe(max(0.0, self.clock() - produced / 1000))

    def _tell(self, viewer: Viewer, later: tuple[int, Part], memo: dict[Hashable, Told | None], now: float) -> bool:
        """Tells a viewer what came; whether there was anything for it."""
        lens, (reached, part) = viewer.lens, later
        if not lens.concerns(part):
            viewer.seq = reached
            return False
        at = int(now * 1000)
        pace = viewer.pace.at(at)
        key = (lens, viewer.seq, viewer.number, pace)  # who may share a lens does: see _share_lens
        told = memo.get(key)
        if told is None:
            place = self._place(viewer)
            told = memo[key] = frames.deltas(lens, part, place, reached, viewer.view, pace, at)
        viewer.seq, viewer.number, viewer.pace = told.seq, told.number, told.pace
        viewer.behind = reached < self.history.seq
        if told.frames:
            viewer.told = told.seq
            viewer.hidden += told.hidden
            viewer.missed += told.missed
            viewer.offer(told.frames, now)
        if wanted := lens.wants():
            self._spawn(self._fetch(viewer, list(wanted)))
        return bool(told.frames)

    async def _fetch(self, viewer: Viewer, ids: list[Id]) -> None:
        """Values that became visible to one viewer by what it was just sent."""
        try:
            read = await self.reader.values(self.group, ids)
        except StateAway:
            return self._set_stale(REDIS_AWAY)
        if read.epoch == self.epoch and viewer in self.viewers:
            body = viewer.lens.frame(read.part, viewer.seq)
            if body is not None:
                now = self.clock()
                viewer.offer([frames.encode("delta", body, self._place(viewer), int(now * 1000))], now)
        return None

    def _place(self, viewer: Viewer) -> Cursor:
        return Cursor(self.epoch or "", viewer.seq, viewer.number, viewer.lens.name)

    # --- snapshots and resumes ----------------------------------------------------------------------------------------

    def _welcome_new(self) -> None:
        if self.epoch is not None:
            for viewer in self.viewers:
                if viewer.phase is Phase.NEW and viewer.closed is None:
                    self._welcome.begin(viewer)

    def _welcomed(self, viewer: Viewer) -> None:
        if self.stale or (viewer.silent and viewer.greets):
            self._beat(viewer)
        if viewer.seq < self.history.seq:
            self._flush_soon(0)

    def _restart(self) -> None:
        """Every viewer gets a fresh snapshot."""
        self._welcome.restart(self.epoch or "")
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
            self._tend_viewers(self.clock())
            await asyncio.sleep(HURRY_S if self.stale else 1.0)

    def _tend_viewers(self, now: float) -> None:
        for viewer in self.viewers:
            viewer.tend(now)
            if now - viewer.spoken >= SILENCE_S or viewer.doubt != self.stale or self._hid_from(viewer):
                self._beat(viewer)
        self._welcome.tidy(now)
        in_use = {(viewer.view.name, viewer.lens.share) for viewer in self.viewers}
        for key, (lens, used) in list(self._lenses.items()):
            lens.forget(self.history.oldest)
            if key in in_use:
                self._lenses[key] = (lens, now)
            elif now - used > KEEP_LENS_S:
                del self._lenses[key]

    @staticmethod
    def _hid_from(viewer: Viewer) -> bool:
        """Whether a filter left out all of what came, so that the viewer's cursor has fallen behind."""
        return viewer.ready and viewer.lens.share is not None and viewer.told < viewer.seq

    async def _compare(self, now: float) -> None:
        try:
            head = await self.pushes.compare(now)
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
        self.pushes.begin(head)
        for lens, _ in self._lenses.values():
            lens.restart()
        if first:
            self._welcome.restart(head.epoch or "")
            self._welcome_new()  # with the cursors that they came with
        else:
            self._restart()

    def _set_stale(self, reason: str | None) -> None:
        if reason != self.stale:
            self.stale = reason
            for viewer in self.viewers:
                self._beat(viewer)

    def _beat(self, viewer: Viewer) -> None:
        if not viewer.has_room:
            return
        now = self.clock()
        body: dict[str, Any] = {"stale": True, "reason": self.stale} if self.stale else {}
        cursor = self._place(viewer) if self.epoch and viewer.ready else None
        viewer.told, viewer.doubt = viewer.seq, self.stale
        viewer.offer([frames.encode("heartbeat", body, cursor, int(now * 1000))], now)
