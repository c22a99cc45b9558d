"""The hub: one member of each group per web process, which fans pushes out to the viewers. Knows no transport."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

from realtime.feed import Feed
from realtime.state.connection import async_client, names
from realtime.state.reader import Reader
from realtime.streams import feeds
from realtime.viewers import Viewer

logger = logging.getLogger(__name__)


class Hub:
    """The feeds of one event loop. A feed joins its group when its first viewer comes and leaves after the last."""

    def __init__(self, reader: Reader, layer: Any, interval_s: float, clock: Callable[[], float] = time.time) -> None:
        self.reader, self.layer, self.interval_s, self.clock = reader, layer, interval_s, clock
        self.feeds: dict[str, Feed] = {}

    def attach(self, viewer: Viewer) -> None:
        """Adds a viewer; its snapshot or what it missed follows, then deltas."""
        group = viewer.view.group
        if group not in self.feeds:
            self.feeds[group] = Feed(group, self.reader, self.layer, self.interval_s, self.clock)
            self.feeds[group].start()
        self.feeds[group].add(viewer)

    def detach(self, viewer: Viewer) -> None:
        group = viewer.view.group
        feed = self.feeds.get(group)
        if feed is None:
            return
        feed.remove(viewer)
        if not feed.viewers:
            del self.feeds[group]
            feed.stop()

    async def close(self) -> None:
        for feed in self.feeds.values():
            feed.stop()
        self.feeds.clear()
        with contextlib.suppress(Exception):
            await self.reader.close()


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop: one per web process."""
    from django.conf import settings

    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for gone in [other for other in _hubs if other.is_closed()]:
            del _hubs[gone]
        reader = Reader(async_client(), names(), feeds())
        _hubs[loop] = Hub(reader, get_channel_layer(), settings.PUSH_INTERVAL_MS / 1000)
    return _hubs[loop]
