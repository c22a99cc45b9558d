"""A viewer as the hub sees it, whatever the transport: what it holds, and a bounded queue of frames on their way."""

import asyncio
import enum
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from realtime.frames import Cursor
from realtime.lenses import Lens, View

QUEUE_FRAMES = 256
TOO_SLOW = 4408

Send = Callable[[str, str], Awaitable[None]]
_cursor = re.compile(r'"cursor":"([^"]*)"')


class Phase(enum.Enum):
    """A viewer takes deltas once its snapshot, or what it missed, was read and sent."""

    NEW = enum.auto()
    WELCOMING = enum.auto()
    READY = enum.auto()


@dataclass(eq=False, slots=True)
class Viewer:
    """One viewer; `seq` and `number` are what it holds."""

    view: View
    lens: Lens
    resume: Cursor | None = None
    seq: int = 0
    number: int = 0
    phase: Phase = Phase.NEW
    spoken: float = 0.0
    closed: int | None = None
    reason: str = ""
    _queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_FRAMES))

    @property
    def ready(self) -> bool:
        return self.phase is Phase.READY

    def offer(self, frame: str, now: float) -> None:
        """Queues a frame. One that does not fit closes the viewer: it reads too slowly."""
        if self.closed is not None:
            return
        self.spoken = now
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.close(TOO_SLOW)

    def ack(self, frames: int) -> None:
        """The viewer has received so many frames."""

    def close(self, code: int, reason: str = "") -> None:
        """Ends the viewer with a close code; frames that wait are dropped."""
        if self.closed is None:
            self.closed, self.reason = code, reason
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def pump(self, send: Send) -> int:
        """Sends what is offered, each frame with its cursor, until the viewer is closed; returns the close code."""
        while (frame := await self._queue.get()) is not None:
            found = _cursor.search(frame, 0, 200)
            await send(frame, found[1] if found else "")
        return self.closed or 1000
