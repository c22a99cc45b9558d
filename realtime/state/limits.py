"""Rates that are counted for all processes together, in Redis; with Redis away nobody is refused for a rate."""

import logging
import time
from functools import cache

from django.conf import settings
from limits import parse
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from realtime.policy import Every
from realtime.state.connection import client, names

logger = logging.getLogger(__name__)

AWAY_S = 5.0
"""After Redis did not answer, nobody waits for it again for so long."""


def limited(key: str, rate: str) -> int:
    """Counts one use of `key` and returns 0, or the seconds after which another try may succeed.

    A rate is text such as "100/minute". Uses are counted across processes. Blocks for a round trip to Redis: call it in
    a thread. Where Redis does not answer the use is allowed. Raises ValueError for text that is no rate.
    """
    return _limiter().use(key, rate)


class Limiter:
    """The rates of this process's Redis, with a pause after a failure."""

    def __init__(self, limiter: SlidingWindowCounterRateLimiter) -> None:
        self._limiter = limiter
        self._again = float("-inf")
        self._complain = Every(60)

    def use(self, key: str, rate: str) -> int:
        limit, now = parse(rate), time.monotonic()
        if now < self._again:
            return 0
        try:
            if self._limiter.hit(limit, key):
                return 0
            window = self._limiter.get_window_stats(limit, key)
        except StorageError as error:
            self._again = now + AWAY_S
            if self._complain.due(now):
                logger.warning("Redis does not answer (%s); rates are not limited meanwhile.", error.storage_error)
            return 0
        return max(1, round(window.reset_time - time.time()))


@cache
def _limiter() -> Limiter:
    prefix = names().key("limits")
    pool = client().connection_pool
    storage = RedisStorage(settings.REDIS_URL, connection_pool=pool, key_prefix=prefix, wrap_exceptions=True)
    return Limiter(SlidingWindowCounterRateLimiter(storage))
