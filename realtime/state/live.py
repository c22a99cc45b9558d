"""The state port of `consume_kafka --group live`: applies batches to Redis, at most two round trips each."""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from realtime.batches import Applied, Batch, Mark, Partition, Refused
from realtime.policy import Every
from realtime.shapes import Change, Id
from realtime.state import packing
from realtime.state.connection import AWAY, StateAway, lua
from realtime.state.life import Life, Log
from realtime.state.names import Names, epoch_of, field, run_id_of
from realtime.state.packing import Push

logger = logging.getLogger(__name__)

ATTEMPTS = 20
"""How often a batch is computed again because another worker changed a value that it read."""
LOAD_AGAIN_S = 5.0
HEARTBEAT_S, FORGET_S = 1.0, 60
SWEEP_S, SWEEP_IDS = 10.0, 500
NOTHING: Mapping[str, str] = {}


class LiveState:
    """What is true now, in Redis. Each method raises StateAway where Redis does not answer."""

    def __init__(
        self,
        client: Any,
        names: Names,
        streams: Sequence[Any],
        log: Log,
        archive_marks: Callable[[Sequence[Partition]], Mapping[Partition, Mark]],
        worker: str,
    ) -> None:
        self.client, self.names, self.worker, self._log = client, names, worker, log
        self.epoch = ""
        self._life = Life(client, names, streams, log, archive_marks, self.submit)
        self._heartbeat, self._sweeps = Every(HEARTBEAT_S), Every(SWEEP_S)
        self._kinds = {kind.name: kind for stream in streams for view in stream.views for kind in view.kinds}
        self._apply, self._alive = client.register_script(lua("apply")), client.register_script(lua("alive"))
        self._reach = client.register_script(lua("reach"))
        self._unread: dict[Id, Any] = {}
        self._load_at = 0.0

    def begin(self, now: float) -> None:
        """Makes sure that this server's state has an epoch; nothing is applied before."""
        self.epoch = self._life.epoch(now)
        self._say_alive()

    def rebuild(self, now: float, tell: Callable[[str], None]) -> None:
        """As where Redis is empty, by hand: see Life.rebuild."""
        self.epoch = self._life.rebuild(now, tell)

    def turn(self, now: float) -> Sequence[Push]:
        """Shows that this worker lives, and merges what the database could not tell before."""
        if self._heartbeat.due(now):
            self._say_alive()
            self._say_reach()
        return [*self._merge_unread(now), *(self._sweep(now) if self._sweeps.due(now) else ())]

    def leave(self) -> None:
        """Takes this worker off the list of the living."""
        with contextlib.suppress(*AWAY):
            self.client.zrem(self.names.workers, self.worker)

    def _say_alive(self) -> None:
        """Raises StateAway where Redis lost its state or was restarted: also an idle worker must notice."""
        try:
            epoch, run_id = self._alive(keys=[self.names.workers, self.names.epoch], args=[self.worker, FORGET_S])
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        if epoch.decode() != self.epoch or run_id.decode() != run_id_of(self.epoch):
            raise StateAway("Redis was restarted or lost its state.")

    def _say_reach(self) -> None:
        """Notes how far the topics reach, so that others can tell the lag, and whether counts are complete."""
        reach = [part for at, end in self._log.reach().items() for part in (field(*at), end)]
        if not reach:
            return
        try:
            self._reach(keys=[self.names.reach, self.names.heard], args=reach)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    def marks(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Mark]:
        """The applied offsets of these partitions, for those that have one."""
        if not partitions:
            return {}
        try:
            held = self.client.hmget(self.names.applied, [field(*partition) for partition in partitions])
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        pairs = zip(partitions, held, strict=True)
        return {partition: Mark.read(text.decode()) for partition, text in pairs if text is not None}

    def recent(self, topic: str) -> str:
        """Which of a topic's last records were malformed, oldest first."""
        try:
            held = self.client.hget(self.names.malformed, topic)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        return held.decode() if held else ""

    def apply(self, batch: Batch, now: float) -> Applied | Refused:
        """Applies a batch whole, or says why not; `now` is Unix seconds."""
        for _ in range(ATTEMPTS):
            held = self._read(batch.ids())
            change = batch.change(self._with_database(batch, held, now), int(now * 1000))
            if change.puts.keys() - held.keys():
                held |= self._read([id for id in change.puts if id not in held])
            kinds = batch.kinds_by_topic()
            outcome = self.submit(self._guard(), batch.marks(), change, held, batch.produced, kinds)
            if not isinstance(outcome, Refused) or outcome.what != "value":
                return outcome
        return Refused("value", f"{ATTEMPTS} other workers were faster")

    def submit(
        self,
        guard: Sequence[str],
        marks: Mapping[str, tuple[str, str]],
        change: Change,
        held: Mapping[Id, bytes | None],
        produced: int | None = None,
        kinds: Mapping[str, str] = NOTHING,
    ) -> Applied | Refused:
        """Runs apply.lua once, under a guard of (mode, epoch or lock, run_id)."""
        args = packing.pack(self.names, guard, marks, change, held, kinds)
        try:
            status, *answer = self._apply(keys=packing.keys(self.names), args=args)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        if status != b"ok":
            return Refused(status.decode(), answer[0].decode("utf-8", "replace"))
        malformed = dict(zip(kinds, answer[3], strict=True))
        return Applied(packing.pushes(epoch_of(guard[1]), change, answer, produced), malformed)

    def _guard(self) -> tuple[str, str, str]:
        return ("epoch", self.epoch, run_id_of(self.epoch))

    def _read(self, ids: Sequence[Id]) -> dict[Id, bytes | None]:
        if not ids:
            return {}
        keys = [self.names.key(kind.key(id)) for kind, id in ids]
        try:
            return dict(zip(ids, self.client.mget(keys), strict=True))
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    def _with_database(self, batch: Batch, held: dict[Id, bytes | None], now: float) -> dict[Id, bytes | None]:
        """`held`, with what the database holds where Redis has nothing; a database that is away is asked later."""
        merged = dict(held)
        for stream, ids in batch.ids_by_stream():
            missing = [id for id in ids if held[id] is None]
            if not missing or stream.load is None:
                continue
            if now < self._load_at:
                self._unread.update(dict.fromkeys(missing, stream))
                continue
            try:
                merged.update(stream.load(missing))
            except DatabaseError as error:
                connection.close()  # the next attempt makes a new one
                logger.warning("The database does not answer (%s); %d values are merged later.", error, len(missing))
                self._load_at = now + LOAD_AGAIN_S
                self._unread.update(dict.fromkeys(missing, stream))
        return merged

    def _sweep(self, now: float) -> list[Push]:
        """Takes out what has outlived its time: a change like any other, so that viewers are told."""
        limit = int(now * 1000)
        try:
            due = self.client.zrange(self.names.expiries, "-inf", limit, byscore=True, offset=0, num=SWEEP_IDS)
            held = self._read([id for member in due if (id := self._id(member))])
            # Asked again after the values were read: one that was put meanwhile may stay.
            until = dict(zip(due, self.client.zmscore(self.names.expiries, due), strict=True)) if due else {}
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        change = Change()
        for member, time in until.items():
            if (id := self._id(member)) and time is not None and time <= limit:
                change.put(*id, None, None)
        return self._tell(change, held) or []

    def _id(self, member: bytes) -> Id | None:
        name, _, id = member.decode().partition(":")
        return (self._kinds[name], id) if name in self._kinds else None

    def _merge_unread(self, now: float) -> list[Push]:
        """Merges what the database holds for values that were applied while it was away; the pushes that follow."""
        if not self._unread or now < self._load_at:
            return []
        pushes: list[Push] = []
        for stream in set(self._unread.values()):
            ids = [id for id, owner in self._unread.items() if owner is stream]
            try:
                merged = self._merge(stream, ids)
            except DatabaseError:
                connection.close()
                merged = None
            if merged is None:
                self._load_at = now + LOAD_AGAIN_S
                return pushes
            pushes += merged
            for id in ids:
                del self._unread[id]
        return pushes

    def _merge(self, stream: Any, ids: Sequence[Id]) -> list[Push] | None:
        theirs = stream.load(ids)
        held = self._read(list(theirs))
        change = Change()
        for id, ours in held.items():
            if ours is not None and stream.join is not None:
                change.puts[id] = stream.join(id, ours, theirs[id])
        return self._tell(change, held)

    def _tell(self, change: Change, held: Mapping[Id, bytes | None]) -> list[Push] | None:
        """Submits a change that comes from no record; None where it was refused and must be tried again."""
        if not change.puts:
            return []
        outcome = self.submit(self._guard(), {}, change, held)
        return list(outcome.pushes) if isinstance(outcome, Applied) else None
