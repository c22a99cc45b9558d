"""The life of the state: gives a restarted Redis a new epoch, and an empty one its content back before that."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from django.db import Error as DatabaseError
from django.db import connection

from realtime import heartbeat
from realtime.batches import Mark, Partition, Refused
from realtime.shapes import Change, Id
from realtime.state.connection import AWAY, StateAway, lua
from realtime.state.names import MACHINE, SHAPE, Names, field, new_epoch, run_id_of
from realtime.times import MINUTE

logger = logging.getLogger(__name__)

LOCK_S = 15
"""A rebuild renews its lock before each write; where its worker died, another begins after so long."""


class Log(Protocol):
    """What is asked of Kafka when a life begins."""

    def partitions(self) -> Sequence[Partition]: ...
    def ends(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]: ...
    def offsets_at(self, partitions: Sequence[Partition], time_ms: int) -> Mapping[Partition, int]: ...
    def lives(self) -> Mapping[str, str]: ...
    def reach(self) -> Mapping[Partition, int]: ...


class Life:
    """Begins lives of the state. Methods raise StateAway where Redis, or another worker's rebuild, must be awaited."""

    def __init__(
        self,
        client: Any,
        names: Names,
        streams: Sequence[Any],
        log: Log,
        archive_marks: Callable[[Sequence[Partition]], Mapping[Partition, Mark]],
        submit: Callable[..., Any],
    ) -> None:
        self.tell: Callable[[str], None] = logger.debug
        self.client, self.names, self.streams, self.log = client, names, streams, log
        self.archive_marks, self.submit = archive_marks, submit
        self._begin = client.register_script(lua("begin"))
        self._lock = client.register_script(lua("lock"))

    def epoch(self, now: float) -> str:
        """The stored epoch (`random:run_id`) of this server's state, made anew where it must be; `now` in Unix s."""
        try:
            run_id = self.client.info("server")["run_id"]
            stored = self.client.get(self.names.epoch)
            if stored is None:
                return self._rebuild(run_id, now)
            if self._is_older():
                logger.warning("The state in Redis has the shape of an earlier release; it is made anew.")
                return self.rebuild(now, self.tell)
            if run_id_of(stored.decode()) == run_id:
                return str(stored.decode())
            return self._renew(stored.decode(), run_id, now)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    def _shapes(self) -> dict[str, int]:
        return {MACHINE: SHAPE} | {stream.topic: stream.shape for stream in self.streams}

    def _is_older(self) -> bool:
        """Whether the state was written in a shape that came before ours. Raises StateAway for one that came after."""
        held = {topic.decode(): int(shape) for topic, shape in self.client.hgetall(self.names.shape).items()}
        ours = self._shapes()
        theirs = {topic: held.get(topic, 1) for topic in ours}  # what is older than this mark has the first shape
        if any(theirs[topic] > ours[topic] for topic in ours):
            raise StateAway("The state in Redis was written by a later release, whose workers go on with it.")
        return theirs != ours

    def _renew(self, old: str, run_id: str, now: float) -> str:
        epoch = new_epoch(run_id)
        if not self._start("epoch", old, epoch, {}, now):
            raise StateAway("Another worker begins a new epoch.")
        logger.warning("Redis was restarted with its data; the state goes on from its applied offsets as a new epoch.")
        return epoch

    def _start(self, mode: str, guard: str, epoch: str, marks: Mapping[Partition, Mark], now: float) -> bool:
        ends = self.log.ends(self.log.partitions())
        applied = [part for at, mark in marks.items() for part in (field(*at), str(mark))]
        reach = [part for at, end in ends.items() for part in (field(*at), end)] + ["at", int(now * 1000)]
        shapes = [part for field_and_shape in self._shapes().items() for part in field_and_shape]
        keys = [self.names.epoch, self.names.lock, self.names.applied, self.names.ends, self.names.shape]
        args = [mode, guard, epoch, len(applied) // 2, *applied, len(reach) // 2, *reach, len(shapes) // 2, *shapes]
        return bool(self._begin(keys=keys, args=args))

    def rebuild(self, now: float, tell: Callable[[str], None]) -> str:
        """Begins a new life from the archive although there is one; workers are refused meanwhile, and then go on.

        `tell` hears of the progress. Raises Away; where nothing was lost yet, everything stays as it was.
        """
        try:
            run_id = self.client.info("server")["run_id"]
            self.archive_marks(self.log.partitions())
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        except DatabaseError as error:
            raise StateAway(f"The database does not answer ({error}).") from error
        self.tell = tell
        try:
            return self._rebuild(run_id, now, by_hand=True)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    def _rebuild(self, run_id: str, now: float, by_hand: bool = False) -> str:
        token = secrets.token_hex(8)
        if not self.client.set(self.names.lock, token, nx=True, ex=LOCK_S):
            raise StateAway("Another worker rebuilds the state.")
        try:
            if by_hand:
                self.client.delete(self.names.epoch)  # from here on workers are refused
            return self._rebuild_with(token, run_id, now)
        except BaseException:
            if self.client.get(self.names.lock) == token.encode():
                self.client.delete(self.names.lock)
            raise

    def _rebuild_with(self, token: str, run_id: str, now: float) -> str:
        self._clear(token)
        try:
            marks = dict(self.archive_marks(self.log.partitions()))  # before the rows: these may only be newer
            restored = sum(self._restore(stream, token, run_id) for stream in self.streams if stream.restore)
        except DatabaseError as error:
            connection.close()  # the next attempt makes a new one
            raise StateAway(
                f"Redis is empty and the database that it is rebuilt from does not answer ({error})."
            ) from error
        for stream in self.streams:
            if stream.rewind_ms is not None:
                marks = {at: mark for at, mark in marks.items() if at[0] != stream.topic}
                marks |= self._rewind(stream, token, run_id, now)
        epoch = new_epoch(run_id)
        if not self._start("lock", token, epoch, marks, now):
            raise StateAway("Another worker rebuilt the state.")
        logger.info("%d values came from the archive, the topics bring the rest.", restored)
        return epoch

    def _hold(self, token: str, *doomed: bytes) -> None:
        heartbeat.beat()  # a rebuild takes as long as it takes
        keys = [self.names.epoch, self.names.lock, *doomed]
        if not self._lock(keys=keys, args=[token, LOCK_S]):
            raise StateAway("Another worker rebuilds the state.")

    def _clear(self, token: str) -> None:
        for pattern in owned(self.names, self.streams):
            doomed = list(self.client.scan_iter(pattern, count=1000))
            for first in range(0, len(doomed), 1000):
                self._hold(token, *doomed[first : first + 1000])

    def _restore(self, stream: Any, token: str, run_id: str) -> int:
        restored = 0
        for change in stream.restore():
            self._hold(token)
            self._write(change, token, run_id)
            restored += len(change.puts)
            self.tell(f"{stream.topic}: {restored} values restored")
        return restored

    def _write(self, change: Change, token: str, run_id: str) -> None:
        held: Mapping[Id, bytes | None] = {}
        outcome = self.submit(("lock", token, run_id), {}, change, held)
        if isinstance(outcome, Refused):
            raise StateAway(f"Another worker rebuilds the state ({outcome.what}: {outcome.detail}).")

    def _rewind(self, stream: Any, token: str, run_id: str, now: float) -> dict[Partition, Mark]:
        """Marks that make the topic be read again from the first full minute within its rewind."""
        since = -(-(int(now * 1000) - stream.rewind_ms) // MINUTE) * MINUTE
        if stream.since is not None:
            change, (kind, id) = Change(), stream.since
            change.put(kind, id, msgspec.json.encode(since), None)
            self._write(change, token, run_id)
        partitions = [at for at in self.log.partitions() if at[0] == stream.topic]
        life = self.log.lives().get(stream.topic, "")
        offsets = self.log.offsets_at(partitions, since) if partitions else {}
        return {at: Mark(life, offset - 1) for at, offset in offsets.items()}


def owned(names: Names, streams: Sequence[Any]) -> list[str]:
    """Patterns of every key that holds state of ours; the epoch and the lock are not among them."""
    patterns = {"stream:applied", "stream:malformed", "stream:ends", "stream:changed:*", "stream:expiries"}
    for stream in streams:
        patterns.update(stream.owns)
        for view in stream.views:
            patterns.update(kind.prefix + "*" for kind in view.kinds)
            patterns.update(kind.index for kind in view.kinds if kind.index)
            patterns.update(f"{tally.prefix}*" for tally in view.tallies)
            if view.tail:
                patterns.update((view.tail.key, view.tail.number))
    return sorted(names.key(pattern) for pattern in patterns)
