"""How the Redis server itself stands: what checks and `doctor` judge."""

from typing import NamedTuple

import redis

from realtime.state.connection import AWAY, StateAway, client

WRITES = ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")
"""What INFO calls the outcome of the last snapshot, rewrite of the append-only file, and write to it."""


class RedisFacts(NamedTuple):
    """`maxmemory` is 0 where no limit is set; `keeps`: whether an append-only file outlives a restart; `unsaved`:
    whether the last attempt to write to disk failed.
    """

    version: str
    policy: str
    maxmemory: int
    used: int
    keeps: bool
    now_ms: float
    unsaved: bool = False


def facts() -> RedisFacts:
    """Raises StateAway, also where the server refuses us. INFO says it all: CONFIG is often forbidden."""
    try:
        server = client()
        seconds, micros = server.time()
        found = server.info()
    except (*AWAY, redis.RedisError) as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    return RedisFacts(
        version=str(found.get("redis_version", "")),
        policy=str(found.get("maxmemory_policy", "noeviction")),
        maxmemory=int(found.get("maxmemory", 0)),
        used=int(found.get("used_memory", 0)),
        keeps=bool(found.get("aof_enabled", 0)),
        now_ms=seconds * 1000 + micros / 1000,
        unsaved=any(found.get(name, "ok") != "ok" for name in WRITES),
    )


def ping_url(url: str) -> None:
    """Raises StateAway where the Redis at this address does not answer, or refuses us."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5) as server:
            server.ping()
    except (*AWAY, redis.RedisError, ValueError) as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
