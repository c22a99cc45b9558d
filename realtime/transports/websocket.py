"""WebSocket: opens a view, hands the socket to the hub, takes acknowledgements and filters; the hub does the rest."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.consumer import AsyncConsumer

from realtime.sparing import Sparing
from realtime.transports import messages
from realtime.transports.framing import WRITE
from realtime.transports.opening import Asked, Refused, open_view, refilter
from realtime.transports.visits import Visit, visits

logger = logging.getLogger(__name__)

LEFT = 1001
MAX_REASON_BYTES = 123
"""What a close frame has room for (RFC 6455, 5.5)."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

FAILED = {1002: "broke the protocol", 1007: "no UTF-8", 1009: "a message far too big"}
"""What a server closes a socket for before we are told of a message."""
CLOSED = "A socket of %s was closed: %s (%d)."

_complaints = Sparing(logger)


class LiveConsumer(AsyncConsumer):  # type: ignore[misc]
    """One socket. It joins no group and has no channel: only the hub is a member, and it writes here directly."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})  # a refusal before this could not carry a close code
        visit = await open_view(Asked.of(scope), "websocket")
        if isinstance(visit, Refused):
            return await _close(send, visit.code, visit.reason)
        viewer = visit.viewer
        viewer.write = scope.get("extensions", {}).get(WRITE)

        async def frame(text: str, cursor: str) -> None:
            await send({"type": "websocket.send", "text": text})

        reading = asyncio.ensure_future(read(visit, receive))
        with contextlib.suppress(OSError):  # it left while we were sending
            try:
                code = await viewer.pump(frame)
                if code != LEFT:
                    await _close(send, code, viewer.reason)
            finally:
                visits().leave(visit)
                reading.cancel()


async def read(visit: Visit, receive: Receive) -> None:
    """Takes what the browser says until it leaves; what is none of ours closes the socket."""
    viewer, allowance, clock = visit.viewer, messages.Allowance(), asyncio.get_running_loop().time
    while viewer.closed is None:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            _say_failed(visit, int(event.get("code") or 0), clock())
            return viewer.close(LEFT)
        said = messages.read(event.get("text"), event.get("bytes"))
        if not allowance.takes(clock(), messages.FILTER_COSTS if isinstance(said, messages.Filter) else 1):
            said = messages.Wrong(messages.TOO_MANY, "too many messages")
        if isinstance(said, messages.Ack):
            viewer.ack(said.frames)
        elif isinstance(said, messages.Wrong):
            viewer.close(said.code, said.reason)
        elif refused := await refilter(visit, said.params):
            viewer.close(refused.code, refused.reason)
        if viewer.closed is not None:
            _complaints.say(clock(), CLOSED, visit.address, viewer.reason, viewer.closed)
    return None


def _say_failed(visit: Visit, code: int, now: float) -> None:
    """Tells of a socket that the server itself has closed."""
    if code in FAILED:
        _complaints.say(now, CLOSED, visit.address, FAILED[code], code)


async def _close(send: Send, code: int, reason: str) -> None:
    short = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
    await send({"type": "websocket.close", "code": code, "reason": short})
