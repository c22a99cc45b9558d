"""The Redis client: django-redis's pool for processes that work in turns, an asyncio client for the web."""

from importlib import resources
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from django_redis import get_redis_connection

from realtime.pipeline import Away
from realtime.state.names import Names

AWAY = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ReadOnlyError, OSError)
"""What redis-py raises when no server answers, or one that cannot take writes."""


class StateAway(Away):
    """Redis or the database does not answer; the caller waits and tries again."""


def client() -> Any:
    """A client on the pool that the Django cache uses."""
    return get_redis_connection("default")


def async_client() -> redis.asyncio.Redis:
    """A client for the running event loop, with the address and limits of the cache's pool."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5)


def names() -> Names:
    return Names(settings.REDIS_PREFIX)


def lua(name: str) -> str:
    return resources.files("realtime.state").joinpath(f"{name}.lua").read_text()
