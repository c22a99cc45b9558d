"""ASGI: views by the three transports, every other path by Django."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
http: Any = get_asgi_application()

from realtime.logcontext import Identified  # noqa: E402 - the apps must be loaded first
from realtime.loop import lifespan  # noqa: E402
from realtime.proxies import BehindProxies, networks  # noqa: E402
from realtime.transports.longpoll import longpoll  # noqa: E402
from realtime.transports.origin import OriginCheck  # noqa: E402
from realtime.transports.sse import sse  # noqa: E402
from realtime.transports.websocket import LiveConsumer  # noqa: E402


def at(transport: str, app: Any) -> list[Any]:
    """The paths of every view on one transport."""
    return [path(f"{transport}/<str:view>/", app), path(f"{transport}/<str:view>/<str:argument>/", app)]


application = Identified(
    BehindProxies(
        ProtocolTypeRouter(
            {
                "http": URLRouter([*at("sse", sse), *at("poll", longpoll), re_path("", http)]),
                "lifespan": lifespan,
                "websocket": OriginCheck(URLRouter(at("ws", LiveConsumer.as_asgi()))),
            }
        ),
        networks(settings.TRUSTED_PROXIES),
    )
)
