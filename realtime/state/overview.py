"""How the machine stands, read from Redis and put back as one value of the group `pipeline`, for its page."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from realtime.batches import Mark
from realtime.shapes import Change, Id
from realtime.state import packing
from realtime.state.connection import AWAY, StateAway, client, lua, names
from realtime.state.names import epoch_of, run_id_of
from realtime.state.packing import Push
from realtime.state.presence import count_viewers

TELL_MS = 1_800
"""The one web process that tells holds a lock for so long."""
_process = secrets.token_hex(6)


def tell(id: Id, views: Iterable[str], further: Mapping[str, Any]) -> list[Push]:
    """Puts the overview where nobody did within TELL_MS; the pushes that follow. Raises StateAway."""
    redis, n = client(), names()
    try:
        if not redis.set(n.key("stream:teller"), _process, nx=True, px=TELL_MS):
            return []
        epoch = (redis.get(n.epoch) or b"").decode()
        held = redis.get(n.key(id[0].key(id[1])))
        value = msgspec.json.encode({**read(redis), "viewers": _viewers(views), **further})
        change = Change()
        change.put(*id, value, None)
        guard = ("epoch", epoch, run_id_of(epoch))
        args = packing.pack(n, guard, {}, change, {id: held}, {})
        status, *answer = redis.register_script(lua("apply"))(keys=packing.keys(n), args=args)
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    return packing.pushes(epoch_of(epoch), change, answer, None) if status == b"ok" else []


def read(redis: Any) -> dict[str, Any]:
    """Live workers with the age of their last sign of life, and each partition's lag."""
    n = names()
    pipe = redis.pipeline(transaction=True)
    pipe.zrange(n.workers, 0, -1, withscores=True)
    pipe.hgetall(n.applied)
    pipe.hgetall(n.reach)
    pipe.time()
    workers, applied, reach, (second, microsecond) = pipe.execute()
    return {
        "at": second * 1000 + microsecond // 1000,
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
