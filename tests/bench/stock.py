"""What the hub is measured against: Channels consumers as the documentation shows them, one group member a viewer."""

import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
http = get_asgi_application()
GROUP = "bench"


class Told(AsyncWebsocketConsumer):
    """Sends what its group is told."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(text_data='{"type":"snapshot"}')

    async def tell(self, event: dict[str, str]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"http": http, "websocket": Told.as_asgi()})
