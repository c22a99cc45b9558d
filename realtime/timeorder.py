"""Catching up in time order: a topic's records as they were appended, not as they were fetched (pure).

A worker that reads an hour again is handed one partition's records after the other's. What it shows of them last would
then be one partition's end, not what came last. Topics do not wait for each other: an hour of log lines must not stand
before the orders of a moment ago.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from realtime.batches import Partition
from realtime.records import Record

HOLD_BYTES = 32 * 1024 * 1024
"""At most so much of a topic is held back; beyond it memory goes before order."""

SILENT_S = 5.0


class CatchUp:
    """The records of all topics, each topic in time order.

    `behind` maps a partition to the offset at which it has caught up.
    """

    def __init__(self, behind: Mapping[Partition, int]) -> None:
        topics = {topic for topic, _ in behind}
        self._heard: dict[str, float] = {}
        self._topics = {topic: Merge({at: end for at, end in behind.items() if at[0] == topic}) for topic in topics}

    @property
    def done(self) -> bool:
        """Whether everybody has caught up and nothing is held."""
        return all(merge.done for merge in self._topics.values())

    @property
    def ready(self) -> bool:
        """Whether records can be taken without waiting for more."""
        return any(merge.ready for merge in self._topics.values())

    def add(self, polled: Mapping[Partition, Sequence[Record]], now: float = 0.0) -> None:
        """Takes in what was polled; `now` in seconds. A topic whose missing partitions are silent waits no longer: one
        may end in markers of transactions, which nobody is handed, while the others never pause.
        """
        for topic, merge in self._topics.items():
            if any(merge.waits_for(at) for at in polled):
                self._heard[topic] = now
            elif now - self._heard.setdefault(topic, now) >= SILENT_S:
                merge.end()
        for at, records in polled.items():
            self._topics.setdefault(at[0], Merge({})).add(at, records)

    def end(self) -> None:
        """Waits for nobody any more: nothing comes, whatever the ends promised."""
        for merge in self._topics.values():
            merge.end()

    def take(self, most: int) -> dict[Partition, list[Record]]:
        """The next records, at most so many, by partition; first of the topics of which the least is held."""
        taken: dict[Partition, list[Record]] = {}
        for merge in sorted(self._topics.values(), key=lambda merge: merge.held):
            part = merge.take(most)
            most -= sum(map(len, part.values()))
            taken |= part
        return taken


class Merge:
    """Of one topic: holds records back until those of every partition that is behind are there to be compared.

    `behind` maps a partition to the offset at which it has caught up. Append times only grow within a partition, so a
    record may go once each partition that is behind was seen at its time or later.
    """

    def __init__(self, behind: Mapping[Partition, int], hold_bytes: int = HOLD_BYTES) -> None:
        self._behind = dict(behind)
        self._held: dict[Partition, list[Record]] = {at: [] for at in behind}
        self._seen: dict[Partition, int] = dict.fromkeys(behind, 0)
        self._hold_bytes, self._bytes = hold_bytes, 0

    @property
    def done(self) -> bool:
        """Whether everybody has caught up and nothing is held."""
        return not self._behind and not any(self._held.values())

    @property
    def ready(self) -> bool:
        """Whether records can be taken without waiting for more."""
        first = min((held[0].timestamp for held in self._held.values() if held), default=None)
        horizon = self._horizon()
        return first is not None and (horizon is None or first <= horizon)

    @property
    def held(self) -> int:
        """How many records are held."""
        return sum(map(len, self._held.values()))

    def waits_for(self, at: Partition) -> bool:
        """Whether this partition is still behind."""
        return at in self._behind

    def add(self, at: Partition, records: Sequence[Record]) -> None:
        """Takes in what was polled of a partition."""
        self._held.setdefault(at, []).extend(records)
        self._bytes += size(records)
        self._seen[at] = records[-1].timestamp
        if records[-1].offset + 1 >= self._behind.get(at, 0):
            self._behind.pop(at, None)

    def end(self) -> None:
        """Waits for nobody any more: nothing comes, whatever the ends promised."""
        self._behind.clear()

    def take(self, most: int) -> dict[Partition, list[Record]]:
        """The next records by append time, at most so many, by partition.

        Each partition is cut at the time up to which all of them together have so many records: a merge of the records
        themselves cost a worker that catches up as much as decoding them.
        """
        times = {at: [record.timestamp for record in held[:most]] for at, held in self._held.items() if held}
        merged = sorted(time for some in times.values() for time in some)[:most]
        if not merged:
            return {}
        last, horizon = merged[-1], self._horizon()
        equal = len(merged) - bisect_left(merged, last)  # of the last time, only so many
        taken: dict[Partition, list[Record]] = {}
        for at, some in times.items():
            earlier, upto = bisect_left(some, last), bisect_right(some, last)
            n = min(upto, earlier + equal)
            equal -= n - earlier
            if horizon is not None:
                n = min(n, bisect_right(some, horizon))
            if n:
                taken[at] = self._held[at][:n]
                del self._held[at][:n]
                self._bytes -= size(taken[at])
        return taken

    def _horizon(self) -> int | None:
        """Up to when records may go; None where nobody has to be waited for."""
        waited = [self._seen[at] for at in self._behind]
        return min(waited) if waited and self._bytes < self._hold_bytes else None


def size(records: Sequence[Record]) -> int:
    return sum([len(record.value or b"") for record in records]) + 100 * len(records)
