"""A viewer as the hub sees it, whatever the transport: what it holds, what is on its way, and how much it may take.

Flow control is by acknowledgement: at most WINDOW_FRAMES and WINDOW_BYTES are on their way to who acknowledges. Who
never does (wscat, curl, EventSource) has a budget instead: then it is closed, and comes back with its cursor. So one
that never reads costs the process less than 1 MB, also under a server that buffers without limit.
"""

import asyncio
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from realtime.cursors import Cursor
from realtime.frames import Frame
from realtime.lenses import NOT_UNDERSTOOD, Lens, View
from realtime.pace import Pace

WINDOW_FRAMES, WINDOW_BYTES = 64, 256 * 1024
FULL_S = 60.0
"""A window that stays full for so long closes its viewer: it is too slow."""
GRACE_S = 5.0
"""How long the first acknowledgement may take; until then the window holds for a socket that never acknowledged."""
BUDGET_BYTES, BUDGET_S = 1_000_000, 300.0
TOO_SLOW, COME_BACK = 4408, 1012
OUT_OF_BUDGET = "Come back with the cursor."

Send = Callable[[str, str], Awaitable[None]]
"""Sends one frame: its text, and the cursor that stands in it ("" where it has none)."""
Write = Callable[[str], None]
"""Hands one frame's text to the server at once. The window bounds what the server may have to keep of it."""


class Phase(enum.Enum):
    """A viewer takes deltas once its snapshot, or what it missed, was read and sent."""

    NEW = enum.auto()
    WELCOMING = enum.auto()
    READY = enum.auto()


def _this_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _nobody(viewer: "Viewer") -> None:
    """Nobody waits for this viewer: it is not attached."""


@dataclass(eq=False, slots=True)
class Viewer:
    """One viewer; `seq` and `number` are what it holds once all that was offered to it is sent.

    `acks`: whether its transport can acknowledge. `greets`: whether one that comes back and has missed
    nothing is told so by a heartbeat at once. `opened` is when it was attached, in Unix seconds.
    """

    view: View
    lens: Lens
    resume: Cursor | None = None
    acks: bool = True
    greets: bool = True
    opened: float = 0.0
    write: Write | None = None
    """Where the server can: then a frame is on its way when it is offered, and no task has to wake for it."""

    seq: int = 0
    number: int = 0
    told: int = 0
    """The seq in the last cursor that was offered."""
    pace: Pace = field(default_factory=Pace)
    """How many lines it was shown within this second."""
    phase: Phase = Phase.NEW
    spoken: float = 0.0
    doubt: str | None = None
    """Why the hub does not vouch for what is shown, as the viewer was last told."""
    behind: bool = False
    """The hub has something for it that it had no room for."""
    closed: int | None = None
    reason: str = ""
    hidden: int = 0
    """Lines that its filter let through and that its frames left out."""
    missed: int = 0
    """Lines that could no longer be delivered."""
    conflated: int = 0
    """How often it had no room, and what came was left for a later frame."""
    wants_more: Callable[["Viewer"], None] = _nobody
    """Called when there is room again for what a viewer is behind with."""
    starts_over: Callable[["Viewer"], None] = _nobody
    """Called when a viewer has got another lens."""

    _outbox: deque[Frame] = field(default_factory=deque)
    _on_the_way: deque[int] = field(default_factory=deque)
    _bytes_on_the_way: int = 0
    _bytes: int = 0
    _frames: int = 0
    _full_since: float | None = None
    _acknowledged: bool = False
    _plain: bool = False
    _sending: asyncio.Task[Any] | None = None
    _when_sent: Callable[[], None] | None = None
    _waits: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def silent(self) -> bool:
        """Whether it was offered nothing yet."""
        return not (self._frames or self._outbox)

    @property
    def has_been_ready(self) -> bool:
        """Whether it was brought to the present before, on this connection: it fell behind, and did not just come."""
        return self.seq > 0

    @property
    def sent(self) -> tuple[int, int]:
        """How many frames, and bytes of them, the transport was handed."""
        return self._frames, self._bytes

    @property
    def ready(self) -> bool:
        return self.phase is Phase.READY

    # --- what the hub does --------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether another frame may be offered."""
        return self.closed is None and not self._outbox and self._window_open()

    async def room(self) -> None:
        """Waits until another frame may be offered; for ever where the viewer is closed (it is about to leave)."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    def offer(self, frames: Iterable[Frame], now: float) -> None:
        """Puts frames on their way, in this order; those beyond the window wait here for acknowledgements."""
        if self.closed is not None:
            return
        for frame in frames:
            self._outbox.append(frame)
            self.spoken = now
        if self.write is not None and self._sending is None:  # else it would overtake
            while (due := self._next()) is not None:
                self.write(due.text)
            self._tell_of_room()
        if self._outbox:
            self._waits.set()

    def once_sent(self, call: Callable[[], None]) -> None:
        """Calls back, once, when all that was offered so far is with the transport: now, where it is."""
        if self._outbox or self._sending is not None:
            self._when_sent = call
        else:
            call()

    def tend(self, now: float) -> None:
        """Once a second: closes who is too slow or has used up its budget of time."""
        if self._window_full():
            self._full_since = self._full_since or now
        if self._acknowledged:
            if self._full_since is not None and now - self._full_since >= FULL_S:
                self.close(TOO_SLOW, "The window stayed full for a minute.")
        elif now - self.opened >= BUDGET_S:
            self.close(COME_BACK, OUT_OF_BUDGET)
        elif self._full_since is not None and now - self.opened >= GRACE_S:
            self._plain = True
            self._open_up()

    # --- what the transport does --------------------------------------------------------------------------------------

    async def pump(self, send: Send) -> int:
        """Sends what is offered until the viewer is closed; returns the close code. `reason` may say more."""
        while self.closed is None:
            while (frame := self._next()) is not None:
                await self._send(send, frame)
            if self._when_sent is not None and not self._outbox:
                sent, self._when_sent = self._when_sent, None
                sent()
            self._tell_of_room()
            self._waits.clear()
            if self.closed is None and not (self._outbox and self._window_open()):
                await self._waits.wait()
        return self.closed

    def _next(self) -> Frame | None:
        """Takes the next frame, if one may go; a viewer that has used up its budget of bytes is closed instead."""
        if not self._outbox or not self._window_open():
            return None
        frame = self._outbox[0]
        if not self._acknowledged and self._bytes and self._bytes + frame.size > BUDGET_BYTES:
            self.close(COME_BACK, OUT_OF_BUDGET)
            return None
        self._outbox.popleft()
        self._count(frame.size)
        return frame

    async def _send(self, send: Send, frame: Frame) -> None:
        self._sending = asyncio.current_task()
        try:
            await send(frame.text, frame.cursor)
        except asyncio.CancelledError:
            if self.closed is None or self._sending is None:
                raise
            self._sending.uncancel()  # it was `close` that did not wait for a send that never ends
        finally:
            self._sending = None

    def ack(self, frames: int) -> None:
        """Takes an acknowledgement: how many frames of this connection the viewer has received so far."""
        arrived = frames - (self._frames - len(self._on_the_way))
        if not 0 <= arrived <= len(self._on_the_way):
            self.close(NOT_UNDERSTOOD, f"ack of {frames} frames; {self._frames} were sent")
            return
        self._acknowledged, self._plain = True, False
        for _ in range(arrived):
            self._bytes_on_the_way -= self._on_the_way.popleft()
        if not self._window_full():
            self._open_up()

    def refilter(self, lens: Lens) -> None:
        """Looks through another lens from now on: what waits is dropped, a fresh snapshot follows."""
        self._outbox.clear()
        self.lens, self.resume = lens, None
        self.starts_over(self)

    def close(self, code: int, reason: str = "") -> None:
        """Ends the viewer with a close code; frames that wait are dropped."""
        if self.closed is None:
            self.closed, self.reason = code, reason
            self._outbox.clear()
            self._waits.set()
            if self._sending is not None and self._sending is not _this_task():
                self._sending.cancel()

    # --- the window ---------------------------------------------------------------------------------------------------

    def _window_full(self) -> bool:
        return len(self._on_the_way) >= WINDOW_FRAMES or self._bytes_on_the_way >= WINDOW_BYTES

    def _window_open(self) -> bool:
        return self._plain or not self.acks or not self._window_full()

    def _count(self, size: int) -> None:
        self._frames += 1
        self._bytes += size
        self._on_the_way.append(size)
        self._bytes_on_the_way += size

    def _open_up(self) -> None:
        self._full_since = None
        if self._outbox:
            self._waits.set()
        else:
            self._tell_of_room()

    def _tell_of_room(self) -> None:
        if self.has_room:
            self._room.set()
            if self.behind:
                self.behind = False
                self.wants_more(self)
