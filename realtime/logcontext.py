"""What a log line is about, beside its text: the request, the trace and the order it was written for.

`log_about(order_id=...)` holds for everything that is logged within it, also on threads that asgiref starts; the filter
puts it on each record, where the JSON formatter and the shipping handler find it. It imports no Django: LOGGING names
it before the apps are loaded.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context: version, trace, parent, flags. A trace of zeros is none."""

_about: ContextVar[Mapping[str, str]] = ContextVar("log_about", default={})  # noqa: B039 - never changed in place


@contextmanager
def log_about(**fields: str) -> Iterator[None]:
    """Lines logged within carry these fields."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class AboutFilter(logging.Filter):
    """Puts on a record what it is about; what the record says itself stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _about.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class Identified:
    """Gives each request an id: the one it came with in X-Request-ID, else a new one; the answer says it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        fields = fields_of(dict(scope["headers"]))
        said = (b"x-request-id", fields["request_id"].encode())

        async def answer(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), said]}
            await send(message)

        with log_about(**fields):
            return await self.app(scope, receive, answer if scope["type"] == "http" else send)


def fields_of(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """The ids that a request came with; anything that is none is left, since a log would repeat it."""
    asked = headers.get(b"x-request-id", b"").decode("latin-1")
    fields = {"request_id": asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)}
    trace = TRACEPARENT.fullmatch(headers.get(b"traceparent", b"").decode("latin-1"))
    if trace and trace[1].strip("0"):
        fields["trace_id"] = trace[1]
    return fields
