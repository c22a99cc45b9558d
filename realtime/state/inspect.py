"""What `redis_inspect` and `redis_flush` do: our own keys, shown or deleted (the brief's checkRedis and flushRedis)."""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from realtime.state.connection import AWAY, StateAway, client, lua, names
from realtime.state.life import LOCK_S, owned


class Key(NamedTuple):
    """A key with its type, how many parts it has, and the beginning of its value as text."""

    name: str
    type: str
    size: int
    value: str


def keys(streams: Sequence[Any], width: int = 100) -> Iterator[Key]:
    """Every key of ours, sorted by name. Raises StateAway."""
    redis = client()
    try:
        for name in sorted(found(redis, streams)):
            kind = redis.type(name).decode()
            size, value = peep(redis, name, kind, width)
            yield Key(name.decode("utf-8", "replace"), kind, size, value[:width])
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error


def found(redis: Any, streams: Sequence[Any]) -> set[bytes]:
    n = names()
    patterns = [*owned(n, streams), n.epoch, n.shape, n.seq, n.workers, n.lock, n.reach, n.heard, n.duty + "*"]
    patterns += [n.key("viewers:*"), n.key("pipeline:*"), n.vitals]
    return {key for pattern in patterns for key in redis.scan_iter(pattern, count=1000)}


def peep(redis: Any, name: bytes, kind: str, width: int) -> tuple[int, str]:
    if kind == "string":
        return redis.strlen(name), redis.getrange(name, 0, 4 * width).decode("utf-8", "replace")
    if kind == "hash":
        _, some = redis.hscan(name, count=8)
        return redis.hlen(name), ", ".join(f"{k.decode('utf-8', 'replace')}={v.decode('utf-8', 'replace')}"
                                           for k, v in some.items())  # fmt: skip
    if kind == "zset":
        newest = redis.zrange(name, -8, -1, withscores=True)
        return redis.zcard(name), ", ".join(f"{m.decode('utf-8', 'replace')}@{score:.0f}" for m, score in newest)
    if kind == "list":
        return redis.llen(name), b"".join(redis.lrange(name, -1, -1)).decode("utf-8", "replace")
    return 0, ""


def flush(streams: Sequence[Any]) -> int:
    """Deletes our keys and returns how many. Raises StateAway.

    It holds the lock of a rebuild meanwhile, so that no worker begins one before the last key is gone.
    """
    redis, n, token = client(), names(), secrets.token_hex(8)
    guarded = redis.register_script(lua("lock"))
    try:
        if not redis.set(n.lock, token, nx=True, ex=LOCK_S):
            raise StateAway("A worker rebuilds the state just now; try again in a moment.")
        doomed = sorted(found(redis, streams) - {n.lock.encode()})
        redis.delete(n.epoch)
        for first in range(0, len(doomed), 1000):
            guarded(keys=[n.epoch, n.lock, *doomed[first : first + 1000]], args=[token, LOCK_S])
        redis.delete(n.lock)
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    return len(doomed)
