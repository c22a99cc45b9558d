"""Brings viewers to the present: with what they missed where their cursor can be honoured, else with a snapshot."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from realtime import frames
from realtime.catchup import Afresh, Walk, is_small, own
from realtime.cursors import START, Cursor, Key
from realtime.state.connection import StateAway
from realtime.state.reader import Reader
from realtime.viewers import Phase, Viewer

logger = logging.getLogger(__name__)

SHARE_S = 1.0
"""Who comes within this time of a snapshot's beginning takes part in it."""
REST_S = 2.0
"""A walk that nobody went on with for so long lets go of what it keeps."""
AGAIN_S = 0.25


@dataclass
class Welcome:
    """The viewers of one group that are being brought to the present. One life of the state: `epoch`."""

    reader: Reader
    clock: Callable[[], float]
    seq: Callable[[], int]
    """The last push that the hub has taken. A cursor may know more: from another process, or from Redis itself."""
    done: Callable[[Viewer], None]
    away: Callable[[], None]

    def __post_init__(self) -> None:
        self.epoch = ""
        self._tasks: dict[Viewer, asyncio.Task[None]] = {}
        self._walks: set[Walk] = set()
        self._open: dict[Hashable, Walk] = {}

    def begin(self, viewer: Viewer) -> None:
        """Starts to bring a viewer, through the lens and with the cursor that it has now."""
        self.leave(viewer)
        viewer.phase = Phase.WELCOMING
        task = asyncio.get_running_loop().create_task(self._bring(viewer))
        self._tasks[viewer] = task
        task.add_done_callback(lambda ended: self._ended(viewer, ended))

    def leave(self, viewer: Viewer) -> None:
        """Stops bringing a viewer."""
        task = self._tasks.pop(viewer, None)
        if task is not None:
            task.cancel()

    def restart(self, epoch: str) -> None:
        """Another life of the state: what was begun in the last one is dropped."""
        self.epoch = epoch
        self._walks.clear()
        self._open.clear()
        for viewer in list(self._tasks):
            self.leave(viewer)

    def tidy(self, now: float) -> None:
        """Once a second: walks that stand still keep nothing."""
        for walk in [walk for walk in self._walks if now - walk.used > REST_S]:
            walk.rest()
            self._walks.discard(walk)
        self._open = {key: walk for key, walk in self._open.items() if now - walk.begun <= SHARE_S}

    def _ended(self, viewer: Viewer, task: asyncio.Task[None]) -> None:
        if self._tasks.get(viewer) is task:
            del self._tasks[viewer]
        if not task.cancelled() and (error := task.exception()):
            logger.error("A viewer of %s was not brought to the present.", viewer.view.name, exc_info=error)
            viewer.phase = Phase.NEW  # the feed begins again

    async def _bring(self, viewer: Viewer) -> None:
        """Ends with the viewer ready, or NEW where nothing can be told before the state's next life begins."""
        cursor = viewer.resume if self._honours(viewer, viewer.resume) else None
        for since in (cursor, None) if cursor else (None,):
            try:
                if is_small(viewer.view, viewer.lens):
                    await self._tell_own(viewer, since)
                else:
                    await self._tell(viewer, *self._walk_of(viewer, since))
            except Afresh:
                continue
            if self._brings(viewer):
                viewer.phase, viewer.resume = Phase.READY, None
                self.done(viewer)
            return
        if self._brings(viewer):
            viewer.phase, viewer.resume = Phase.NEW, None

    def _brings(self, viewer: Viewer) -> bool:
        """Whether this task is still the one that brings the viewer: none that was overtaken says anything more."""
        return self._tasks.get(viewer) is asyncio.current_task()

    def _honours(self, viewer: Viewer, cursor: Cursor | None) -> bool:
        """Whether a cursor is one of this life, of the same lens, and of what that lens still knows."""
        if cursor is None or cursor.epoch != self.epoch or cursor.lens != viewer.lens.name:
            return False
        if viewer.lens.share is None and not is_small(viewer.view, viewer.lens):
            return False  # it keeps a state that only a snapshot gives it
        if cursor.inside is not None and cursor.seq > self.seq():
            return False  # its walk would not ask Redis for the seq again
        return viewer.lens.knows(cursor.seq)

    def _walk_of(self, viewer: Viewer, since: Cursor | None) -> tuple[Walk, Key]:
        """The walk that a viewer takes part in, and where in it."""
        view, lens, now = viewer.view, viewer.lens, self.clock()
        if since is not None:
            resumed, after = Walk.resumed(self.reader, view, lens, since)
            if viewer.has_been_ready and view.per_second is not None:
                resumed.limit = min(view.limit, view.per_second)
            return resumed, after
        key = (view.name, lens if lens.share is None else lens.share)
        walk = self._open.get(key)
        if walk is None or now - walk.begun > SHARE_S:
            walk = self._open[key] = Walk(self.reader, view, lens, self.epoch)
            walk.begun = now
        return walk, START

    async def _tell(self, viewer: Viewer, walk: Walk, after: Key) -> None:
        """Sends a walk piece by piece, as the viewer has room."""
        goes_on: Key | None = after
        while goes_on is not None:
            await viewer.room()
            try:
                piece = await walk.piece(goes_on, self.clock())
            except StateAway:
                await self._wait()
                continue
            if not self._brings(viewer):
                return
            self._walks.add(walk)
            viewer.offer(piece.frames, self.clock())
            if viewer.has_been_ready and walk.base is not None:
                viewer.pace = viewer.pace.at(int(self.clock() * 1000)).after(piece.lines)
            goes_on, viewer.number = piece.after, piece.number
        viewer.seq = walk.seq or 0
        viewer.told = viewer.seq if piece.frames else 0

    async def _tell_own(self, viewer: Viewer, since: Cursor | None) -> None:
        """Tells a viewer whose lens nobody shares all at once; it is small."""
        while True:
            try:
                told = await own(self.reader, viewer.view, viewer.lens, self.epoch, since.seq if since else None)
                break
            except StateAway:
                await self._wait()
        if not self._brings(viewer):
            return
        viewer.seq, viewer.number = told.seq, 0
        if told.body is None:
            return
        await viewer.room()
        now = self.clock()
        cursor = Cursor(self.epoch, told.seq, 0, viewer.lens.name)
        kind, first = ("delta", {}) if since else ("snapshot", {"first": True})
        viewer.offer([frames.encode(kind, told.body | first, cursor, int(now * 1000))], now)
        viewer.told = told.seq

    async def _wait(self) -> None:
        self.away()
        await asyncio.sleep(AGAIN_S)
