"""Sends pushes to the Channels groups and receives them. The only module that names the channel layer for sending."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from channels.layers import get_channel_layer

from realtime.policy import Every
from realtime.state.connection import AWAY
from realtime.state.packing import Push

logger = logging.getLogger(__name__)

RETRY_S = 0.25


class Pusher:
    """Holds one event loop for a worker's pushes: the channel layer would reconnect in each new one.

    A push is a hint: one that cannot be sent is not sent again, since every hub compares itself with Redis.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._layer = get_channel_layer()
        self._complain = Every(60)

    def __call__(self, pushes: Sequence[Push]) -> None:
        if not pushes:
            return
        try:
            self._runner.run(self.send(self._layer, pushes))
        except AWAY as error:
            if self._complain.due(time.monotonic()):
                logger.warning("A push did not reach the channel layer (%s); the hubs read Redis instead.", error)

    @staticmethod
    async def send(layer: Any, pushes: Sequence[Push]) -> None:
        for group, message in pushes:
            await layer.group_send(group, message)

    def close(self) -> None:
        self._runner.close()


async def receive(layer: Any, group: str) -> AsyncIterator[dict[str, Any]]:
    """Joins a group and yields its pushes until it is closed; waits for a channel layer that is away."""
    channel = await _join(layer, group)
    try:
        while True:
            yield await layer.receive(channel)
    finally:
        await asyncio.shield(_leave(layer, group, channel))


async def _join(layer: Any, group: str) -> str:
    while True:
        try:
            channel: str = await layer.new_channel()
            await layer.group_add(group, channel)
        except AWAY:
            await asyncio.sleep(RETRY_S)
        else:
            return channel


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(*AWAY):
        await layer.group_discard(group, channel)
