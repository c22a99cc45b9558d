"""WebSocket: opens a view, hands the socket to the hub, takes acknowledgements. Thin: the hub does the rest."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async

from realtime.frames import Cursor
from realtime.hub import hub
from realtime.lenses import NOT_FOUND, Denied
from realtime.streams import views
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
        viewer = await self._open(scope, send)
        if viewer is None:
            return
        hub().attach(viewer)
        reading = asyncio.ensure_future(self._read(viewer, receive))
        try:
            code = await viewer.pump(lambda text: send({"type": "websocket.send", "text": text}))
            if code != LEFT:
                await send({"type": "websocket.close", "code": code})
        except OSError:
            pass  # it left while we were sending
        finally:
            hub().detach(viewer)
            reading.cancel()

    async def _open(self, scope: dict[str, Any], send: Send) -> Viewer | None:
        route = scope["url_route"]["kwargs"]
        params = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        view = views().get(route["view"])
        argument = route.get("argument", "")
        if view is None or view.takes_argument != bool(argument):
            lens: Any = Denied(NOT_FOUND, "There is no such view.")
        else:
            lens = await database_sync_to_async(view.open)(scope["user"], argument, params)
        if view is None or isinstance(lens, Denied):
            await send({"type": "websocket.close", "code": lens.code, "reason": lens.reason})
            return None
        return Viewer(view, lens, Cursor.read(params.get("cursor", "")))

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
