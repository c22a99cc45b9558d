"""How the machine stands, read from Redis and put back as one value of the group `pipeline`, for its page."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import redis

from realtime.batches import Mark
from realtime.shapes import Change, Id
from realtime.state import packing, vitals
from realtime.state.connection import AWAY, StateAway, client, lua, names
from realtime.state.names import epoch_of, run_id_of
from realtime.state.packing import Push
from realtime.state.presence import count_viewers

TELL_MS = 1_800
"""The one web process that tells holds a lock for so long."""
HISTORY_POINTS = 300
"""Ten minutes, while somebody watches."""
HISTORY_OF = ("live.records_total:applied", "archive.records_total:applied", "web.frames_total")
_process = secrets.token_hex(6)


def tell(ids: tuple[Id, Id], views: Iterable[str], judged: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Push]:
    """Puts the overview, and a point of its history, where nobody did within TELL_MS; the pushes that follow.

    `judged` adds to what is read here. Raises StateAway.
    """
    redis, n = client(), names()
    try:
        if not redis.set(n.key("stream:teller"), _process, nx=True, px=TELL_MS):
            return []
        epoch = (redis.get(n.epoch) or b"").decode()
        held = dict(zip(ids, redis.mget([n.key(kind.key(id)) for kind, id in ids]), strict=True))
        found = judged({**read(redis), "viewers": _viewers(views)})
        change = Change()
        change.put(*ids[0], msgspec.json.encode(found), None)
        change.put(*ids[1], msgspec.json.encode(longer(held[ids[1]], found)), None)
        guard = ("epoch", epoch, run_id_of(epoch))
        args = packing.pack(n, guard, {}, change, held, {})
        status, *answer = redis.register_script(lua("apply"))(keys=packing.keys(n), args=args)
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    return packing.pushes(epoch_of(epoch), change, answer, None) if status == b"ok" else []


def longer(history: bytes | None, found: Mapping[str, Any]) -> list[list[float | None]]:
    """The history with one more point: time, records/s applied, archived, frames/s, lag, p95 to the screen (pure)."""
    points: list[list[float | None]] = msgspec.json.decode(history) if history else []
    rates, screen = found["rates"], found["latency"]["screen"]
    lag = sum(row["lag"] or 0 for row in found["partitions"])
    flows = [rates.get(name, 0.0) for name in HISTORY_OF]
    return [*points, [found["at"], *flows, lag, screen["p95"] if screen else None]][-HISTORY_POINTS:]


def read(redis: Any) -> dict[str, Any]:
    """Live workers with the age of their last sign of life, and each partition's lag."""
    n = names()
    pipe = redis.pipeline(transaction=True)
    pipe.zrange(n.workers, 0, -1, withscores=True)
    pipe.hgetall(n.applied)
    pipe.hgetall(n.reach)
    pipe.time()
    workers, applied, reach, (second, microsecond) = pipe.execute()
    now = second * 1000 + microsecond // 1000
    return {
        "at": now,
        "processes": vitals.read(redis, now),
        "workers": [{"name": name.decode(), "seen": int(score) * 1000} for name, score in sorted(workers)],
        "partitions": partitions(applied, reach),
    }


def partitions(applied: Mapping[bytes, bytes], reach: Mapping[bytes, bytes]) -> list[dict[str, Any]]:
    """Each partition that is known, with its lag where its end is known, too (pure)."""
    rows = []
    for at in {*applied, *reach}:
        topic, _, partition = at.decode().rpartition(":")
        next_offset = Mark.read(applied[at].decode()).offset + 1 if at in applied else 0
        lag = max(0, int(reach[at]) - next_offset) if at in reach else None
        rows.append({"topic": topic, "partition": int(partition), "applied": next_offset - 1, "lag": lag})
    return sorted(rows, key=lambda row: (row["topic"], row["partition"]))


def _viewers(views: Iterable[str]) -> dict[str, int]:
    return {view: count_viewers(view) or 0 for view in views}


def read_processes() -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    """The server's time in Unix ms, the live workers and all processes as they showed themselves. Raises StateAway."""
    try:
        found = read(client())
    except (*AWAY, redis.RedisError) as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    return found["at"], found["workers"], found["processes"]
