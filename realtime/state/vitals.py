"""What every process says of itself, in one hash by its name: the page of the pipeline adds it up."""

from collections.abc import Mapping
from typing import Any

import msgspec

from realtime.state.connection import AWAY, StateAway, client, names

FORGET_MS = 60_000
"""A process that has said nothing for so long is forgotten."""


def say(process: str, vitals: Mapping[str, Any]) -> None:
    """Puts what a process says of itself, with the server's time. Raises StateAway."""
    redis = client()
    try:
        second, micros = redis.time()
        value = msgspec.json.encode({**vitals, "seen": second * 1000 + micros // 1000})
        redis.hset(names().vitals, process, value)
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error


def unsay(process: str) -> None:
    """A process that ends in order is no longer there. Raises StateAway."""
    try:
        client().hdel(names().vitals, process)
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error


def read(redis: Any, now_ms: int) -> list[dict[str, Any]]:
    """What all processes said last, by name; those long gone are forgotten."""
    key = names().vitals
    found = {name: msgspec.json.decode(value) for name, value in redis.hgetall(key).items()}
    gone = [name for name, said in found.items() if now_ms - said["seen"] > FORGET_MS]
    if gone:
        redis.hdel(key, *gone)
    return [{"name": name.decode(), **said} for name, said in sorted(found.items()) if name not in gone]
