"""Server-sent events: the frames of a view as a `text/event-stream` that any EventSource, or `curl -N`, can read."""

import asyncio
import contextlib
import random
from dataclasses import replace

import msgspec

from realtime.transports.http import (
    COMMON,
    Receive,
    Scope,
    Send,
    answer,
    headers_of,
    refusal,
    refuse,
    retry_ms,
    until_gone,
)
from realtime.transports.opening import Asked, Refused, open_view
from realtime.transports.visits import Visit, visits

PING_S = 15.0
RETRY_MS = (500, 2000)
LEFT = 1001


async def sse(scope: Scope, receive: Receive, send: Send) -> None:
    """One response. `id:` is the cursor, which EventSource sends back as Last-Event-ID; `?cursor=` does the same."""
    if refused := refusal(scope):
        return await answer(send, refused[0], {"reason": refused[1]})
    asked = Asked.of(scope)
    if last := headers_of(scope).get(b"last-event-id"):
        asked = replace(asked, cursor=last)
    visit = await open_view(asked, "sse", acks=False)
    if isinstance(visit, Refused):
        return await refuse(send, visit)
    try:
        await _stream(visit, receive, send)
    finally:
        visits().leave(visit)


async def _stream(visit: Visit, receive: Receive, send: Send) -> None:
    viewer = visit.viewer

    async def write(text: str) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    async def frame(text: str, cursor: str) -> None:
        await write(f"id: {cursor}\ndata: {text}\n\n" if cursor else f"data: {text}\n\n")

    async def ping() -> None:
        while True:
            await asyncio.sleep(PING_S)
            await write(": ping\n\n")

    async def leave() -> None:
        await until_gone(receive)
        viewer.close(LEFT)

    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *COMMON]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await write(f"retry: {random.randint(*RETRY_MS)}\n\n")
    beside = [asyncio.ensure_future(ping()), asyncio.ensure_future(leave())]
    with contextlib.suppress(OSError):  # it left while we were sending
        try:
            code = await viewer.pump(frame)
        finally:
            for task in beside:
                task.cancel()
        if code != LEFT:
            last = _farewell(code, viewer.reason)
            await send({"type": "http.response.body", "body": last.encode(), "more_body": False})


def _farewell(code: int, reason: str) -> str:
    """What ends a response. EventSource comes back by itself; whoever may not is then told so by the status."""
    ms = retry_ms(reason)
    retry = "" if ms is None else f"retry: {ms}\n"
    closing = msgspec.json.encode({"code": code, "reason": reason}).decode()
    return f"{retry}event: close\ndata: {closing}\n\n"
