"""An ASGI application that only sends: for tests of the server beneath the hub."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
django.setup()

from realtime.transports.framing import WRITE  # noqa: E402 - after setup

SIZES = (1, 125, 126, 65_535, 65_536, 400_000, 3) * 10


def texts() -> list[str]:
    """Of lengths that each of a frame's headers has to say; every text is one of its kind."""
    return [f"{i:06}"[:size].ljust(size, chr(97 + i % 26)) for i, size in enumerate(SIZES)]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    write = scope["extensions"][WRITE] if scope["path"] == "/at-once" else None
    for text in texts():
        if write is None:
            await send({"type": "websocket.send", "text": text})
        else:
            write(text)
    await receive()  # the viewer has it all
    await send({"type": "websocket.close", "code": 4408, "reason": "so it is"})
