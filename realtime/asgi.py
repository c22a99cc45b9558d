"""ASGI: HTTP by Django, WebSocket by the transports."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
http = get_asgi_application()

from realtime.proxies import BehindProxies, networks  # noqa: E402 - the apps must be loaded first
from realtime.transports.origin import OriginCheck  # noqa: E402
from realtime.transports.websocket import LiveConsumer  # noqa: E402

sockets = [
    path("ws/<str:view>/", LiveConsumer.as_asgi()),
    path("ws/<str:view>/<str:argument>/", LiveConsumer.as_asgi()),
]
application = BehindProxies(
    ProtocolTypeRouter({"http": http, "websocket": OriginCheck(AuthMiddlewareStack(URLRouter(sockets)))}),
    networks(settings.TRUSTED_PROXIES),
)
