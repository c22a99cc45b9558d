"""WebSocket: opens a view, hands the socket to the hub, takes acknowledgements. Thin: the hub does the rest."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from channels.consumer import AsyncConsumer

from realtime.transports.opening import Asked, Refused, open_view
from realtime.transports.visits import visits
from realtime.viewers import Viewer

logger = logging.getLogger(__name__)

BAD_FRAME, TOO_BIG, LEFT = 4400, 1009, 1001
MAX_FRAME_BYTES = 64 * 1024

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Ack(msgspec.Struct, tag="ack"):
    """How many frames the viewer has received so far."""

    frames: int


_decode = msgspec.json.Decoder(Ack).decode


class LiveConsumer(AsyncConsumer):  # type: ignore[misc]
    """One socket. It joins no group and has no channel: only the hub is a member, and it writes here directly."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})  # a refusal before this could not carry a close code
        visit = await open_view(Asked.of(scope))
        if isinstance(visit, Refused):
            return await _close(send, visit.code, visit.reason)
        viewer = visit.viewer

        async def frame(text: str, cursor: str) -> None:
            await send({"type": "websocket.send", "text": text})

        reading = asyncio.ensure_future(self._read(viewer, receive))
        with contextlib.suppress(OSError):  # it left while we were sending
            try:
                code = await viewer.pump(frame)
                if code != LEFT:
                    await _close(send, code, viewer.reason)
            finally:
                visits().leave(visit)
                reading.cancel()

    async def _read(self, viewer: Viewer, receive: Receive) -> None:
        """Takes what the browser says until it leaves; anything but an acknowledgement closes the socket."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return viewer.close(LEFT)
            text = message.get("text")
            if len(text or message.get("bytes") or b"") > MAX_FRAME_BYTES:
                return viewer.close(TOO_BIG)
            try:
                _decode(text or b"")
            except (msgspec.DecodeError, UnicodeEncodeError):
                return viewer.close(BAD_FRAME)


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason})
