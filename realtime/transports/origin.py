"""Which pages may open a socket: the rule of Django's CSRF check, for WebSocket."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

App = Callable[..., Awaitable[None]]
THIS_MACHINE = [".localhost", "127.0.0.1", "[::1]"]


def allowed(origin: str | None, host: str, secure: bool) -> bool:
    """Whether a page of this origin may connect.

    It may when scheme, host and port are those of this request and the host is one of ALLOWED_HOSTS, or when it is
    listed in CSRF_TRUSTED_ORIGINS. A client that sends no Origin is no browser, so it carries nobody's cookies.
    """
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    own = parts.scheme == ("https" if secure else "http") and parts.netloc == host
    return own and served(parts.netloc)


def served(host: str) -> bool:
    """Whether a Host header names us, by ALLOWED_HOSTS; with DEBUG and without any, as Django does, on this machine."""
    domain, _ = split_domain_port(host)
    hosts = settings.ALLOWED_HOSTS or (THIS_MACHINE if settings.DEBUG else [])
    return bool(domain) and validate_host(domain, hosts)


class OriginCheck:
    """Refuses sockets that a page of another origin opens (HTTP 403)."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if allowed(headers.get(b"origin"), headers.get(b"host", ""), scope.get("scheme") == "wss"):
            await self.app(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)
