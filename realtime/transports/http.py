"""What the two transports over plain HTTP share: who may ask, and answers as JSON."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from realtime.transports.opening import Refused
from realtime.transports.origin import allowed, served

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

COMMON: Headers = [
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
BAD_REQUEST, FORBIDDEN, NOT_GET = 400, 403, 405
AWAY = 503
_retry = re.compile(r"retry=(\d+)")


def headers_of(scope: Scope) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


def refusal(scope: Scope) -> tuple[int, str] | None:
    """The status and reason for a request that no view answers; None for one that may go on."""
    headers = headers_of(scope)
    host = headers.get(b"host", "")
    if not served(host):
        return BAD_REQUEST, "This host is not served here."
    if scope["method"] != "GET":
        return NOT_GET, "Only GET is answered."
    if not allowed(headers.get(b"origin"), host, scope.get("scheme") == "https"):
        return FORBIDDEN, "Pages of another origin may not ask."
    return None


async def refuse(send: Send, refused: Refused) -> None:
    """Answers with the HTTP status of a close code: 4401 is 401, 1012 is 503."""
    status = refused.code - 4000 if refused.code >= 4000 else AWAY
    body = {"code": refused.code, "reason": refused.reason}
    await answer(send, status, body, [(b"retry-after", b"%d" % refused.retry_s)] if refused.retry_s else [])


async def answer(send: Send, status: int, body: Mapping[str, Any] | bytes, more: Headers | None = None) -> None:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers + COMMON + (more or [])})
    await send({"type": "http.response.body", "body": content})


def retry_ms(reason: str) -> int | None:
    """When to come back, out of the reason of a close such as "restarting; retry=1234"."""
    said = _retry.search(reason)
    return int(said[1]) if said else None


async def until_gone(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
