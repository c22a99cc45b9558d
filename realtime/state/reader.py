"""Reads the state for the web processes: heads, values, lines and counts, each together with its epoch and seq."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from realtime.batches import Mark
from realtime.lenses import Line, Part, Value, View
from realtime.shapes import Id, Kind, Tail, Tally
from realtime.state.connection import AWAY, StateAway, lua
from realtime.state.names import CHANGED_KEEP, Names, epoch_of
from realtime.state.packing import member

SETTLE_MS = 30_000
WORKER_S = 5
"""A worker shows that it lives every second; after so many without, nobody vouches for what pages show."""


class Head(NamedTuple):
    """Where a group stands. `settled`: the workers have reached the ends that its topics had when the epoch began."""

    epoch: str | None
    seq: int
    settled: bool
    worker: bool


class Read(NamedTuple):
    """A part of the state with the epoch and seq that it was read with; `number` is the last line's."""

    epoch: str | None
    seq: int
    number: int
    part: Part


class Ids(NamedTuple):
    """Ids with the epoch and seq that they were read with: whoever has their values lacks only what came later."""

    epoch: str | None
    seq: int
    ids: list[Id]


def settled(
    ends: Mapping[bytes, bytes], applied: Mapping[bytes, bytes], now_ms: int, topics: Collection[str] | None = None
) -> bool:
    """Whether every partition of these topics, or of all, is applied up to its end, or 30 s have passed (pure)."""
    if now_ms > int(ends.get(b"at", b"0")) + SETTLE_MS:
        return True
    marks = {at: Mark.read(text.decode()).offset for at, text in applied.items()}
    awaited = {at: int(end) for at, end in ends.items() if at != b"at"}
    if topics is not None:
        awaited = {at: end for at, end in awaited.items() if at.rpartition(b":")[0].decode() in topics}
    return all(marks.get(at, -1) + 1 >= end for at, end in awaited.items())


class Reader:
    """Reads for one event loop. Methods raise StateAway where Redis does not answer.

    `feeds` tells the topics that a group is fed by: orders need not wait for an hour of log lines to be read again.
    """

    def __init__(self, client: Any, names: Names, feeds: Mapping[str, Collection[str]] | None = None) -> None:
        self.client, self.names, self._feeds = client, names, feeds or {}
        epoch = lua("epoch")
        self._values, self._tail = (client.register_script(epoch + lua(name)) for name in ("read", "tail"))
        self._epoch = client.register_script(epoch + "return epoch")

    async def head(self, group: str, now: float) -> Head:
        n = self.names
        pipe = self.client.pipeline(transaction=True)
        await self._epoch(keys=[n.epoch], client=pipe)
        pipe.hget(n.seq, group)
        pipe.hgetall(n.ends)
        pipe.hgetall(n.applied)
        pipe.zrevrange(n.workers, 0, 0, withscores=True)
        pipe.time()
        epoch, seq, ends, applied, workers, (second, _) = await self._execute(pipe)
        alive = bool(workers) and workers[0][1] > second - WORKER_S
        done = settled(ends, applied, int(now * 1000), self._feeds.get(group))
        return Head(epoch_of(epoch.decode()) if epoch else None, int(seq or 0), done, alive)

    async def indexes(self, group: str, kinds: Sequence[Kind]) -> Ids:
        """The ids that a snapshot of these kinds shows, by kind and id, with the seq of the group in one step."""
        pipe = self.client.pipeline(transaction=True)
        await self._epoch(keys=[self.names.epoch], client=pipe)
        pipe.hget(self.names.seq, group)
        for kind in kinds:
            if kind.index:
                pipe.zrange(self.names.key(kind.index), 0, -1)
        epoch, seq, *members = await self._execute(pipe)
        indexes = iter(members)
        ids = [
            (kind, id)
            for kind in kinds
            for id in (sorted(found.decode() for found in next(indexes)) if kind.index else kind.ids)
        ]
        return Ids(_text(epoch), int(seq or 0), ids)

    async def values(self, group: str, ids: Sequence[Id]) -> Read:
        """Values with the seq of their group, in one step."""
        keys = [self.names.epoch, self.names.seq, *(self.names.key(kind.key(id)) for kind, id in ids)]
        epoch, seq, held = await self._run(self._values, keys, [group])
        values = {id: Value(data, seq) for id, data in zip(ids, held, strict=True)}
        return Read(_text(epoch), seq, 0, Part(values=values))

    async def lines(self, tail: Tail, after: int, count: int) -> Read:
        """The oldest `count` of the lines after a number that are still kept; before 0, so many of the newest.

        The read's `number` is that of the newest line of all.
        """
        keys = [self.names.epoch, self.names.seq, self.names.key(tail.key), self.names.key(tail.number)]
        epoch, seq, last, first, held = await self._run(self._tail, keys, [tail.group, after, count])
        return Read(_text(epoch), seq, last, Part(lines=[Line(first + i, data) for i, data in enumerate(held)]))

    async def totals(self, tallies: Sequence[Tally], now: float) -> Part:
        """The counts that a snapshot shows."""
        pages = [(tally, page) for tally in tallies for page in shown_pages(tally, int(now))]
        pipe = self.client.pipeline(transaction=False)
        for tally, page in pages:
            pipe.hgetall(self.names.key(f"{tally.prefix}{page}"))
        hashes = await self._execute(pipe) if pages else []
        totals: dict[tuple[Tally, int, str], int] = {}
        for (tally, _), counts in zip(pages, hashes, strict=True):
            for field, n in counts.items():
                bucket, _, name = field.decode().partition("|")
                if int(bucket) > now - tally.shown - tally.bucket:
                    totals[tally, int(bucket), name] = int(n)
        return Part(totals=totals)

    async def changed(self, view: View, after: int) -> Ids | None:
        """The ids of a view that changed after a seq, by kind and id; None where that is no longer known."""
        key = self.names.changed + view.group
        pipe = self.client.pipeline(transaction=True)
        await self._epoch(keys=[self.names.epoch], client=pipe)
        pipe.hget(self.names.seq, view.group)
        pipe.zcard(key)
        pipe.zrange(key, 0, 0, withscores=True)
        pipe.zrangebyscore(key, f"({after}", "+inf")
        epoch, seq, size, oldest, members = await self._execute(pipe)
        if size >= CHANGED_KEEP and oldest[0][1] > after:
            return None
        kinds = {kind.name: (i, kind) for i, kind in enumerate(view.kinds)}
        found = [one.decode().partition(":") for one in members]
        ids = sorted((kinds[name][0], id) for name, _, id in found if name in kinds)
        return Ids(_text(epoch), int(seq or 0), [(view.kinds[i], id) for i, id in ids])

    async def has_changed(self, group: str, ids: Sequence[Id], after: int) -> bool:
        """Whether any of these ids changed after a seq, or nobody knows any more."""
        key = self.names.changed + group
        pipe = self.client.pipeline(transaction=True)
        pipe.zcard(key)
        pipe.zrange(key, 0, 0, withscores=True)
        pipe.zmscore(key, [member(id) for id in ids])
        size, oldest, scores = await self._execute(pipe)
        if any(score is not None and score > after for score in scores):
            return True
        return bool(size >= CHANGED_KEEP and oldest[0][1] > after)

    async def _execute(self, pipe: Any) -> Any:
        try:
            return await pipe.execute()
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    async def _run(self, script: Any, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return await script(keys=keys, args=args)
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    async def close(self) -> None:
        await self.client.aclose()


def shown_pages(tally: Tally, now: int) -> range:
    """The first seconds of the pages that hold the last `shown` seconds; one ahead, for the broker's clock (pure)."""
    return range(tally.page_of(now - tally.shown), tally.page_of(now) + 2 * tally.page, tally.page)


def _text(epoch: bytes | None) -> str | None:
    return epoch_of(epoch.decode()) if epoch else None
