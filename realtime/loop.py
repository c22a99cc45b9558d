"""The event loop of a web process: a heartbeat at each of its seconds, and what watches it from outside."""

import asyncio
import contextlib
from typing import Any

from realtime import heartbeat
from realtime.failpoints import reach
from realtime.vitals import Vitals

BEAT_S = 1.0

_beating: set[asyncio.Task[None]] = set()


def begin() -> None:
    """Called once, on the running loop, when the process begins to serve."""
    task = asyncio.get_running_loop().create_task(_beat())
    vitals = Vitals("web")
    vitals.start()
    _beating.add(task)
    task.add_done_callback(lambda _: vitals.stop())


async def _beat() -> None:
    while True:
        heartbeat.beat()
        reach("web-turn", 0)
        await asyncio.sleep(BEAT_S)


async def end() -> None:
    for task in _beating:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """ASGI's lifespan, which servers other than our own speak (uvicorn)."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            begin()
            await send({"type": "lifespan.startup.complete"})
        else:
            await end()
            await send({"type": "lifespan.shutdown.complete"})
            return
