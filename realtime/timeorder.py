"""Catching up in time order: the records of several partitions as they were appended, not as they were fetched (pure).

A worker that reads an hour again is handed one partition's records after the other's. What it shows of them last would
then be one partition's end, not what came last.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import merge
from itertools import islice

from realtime.batches import Partition
from realtime.records import Record

HOLD_BYTES = 32 * 1024 * 1024
"""At most so much is held back; beyond it memory goes before order."""


class CatchUp:
    """Holds records back until those of every partition that is behind are there to be compared.

    `behind` maps a partition to the offset at which it has caught up. Append times only grow within a partition, so a
    record may go once each partition that is behind was seen at its time or later.
    """

    def __init__(self, behind: Mapping[Partition, int], hold_bytes: int = HOLD_BYTES) -> None:
        self._behind = dict(behind)
        self._held: dict[Partition, deque[Record]] = {at: deque() for at in behind}
        self._seen: dict[Partition, int] = dict.fromkeys(behind, 0)
        self._hold_bytes, self._bytes = hold_bytes, 0

    @property
    def done(self) -> bool:
        """Whether everybody has caught up and nothing is held."""
        return not self._behind and not any(self._held.values())

    @property
    def ready(self) -> bool:
        """Whether records can be taken without waiting for more."""
        first = min((queue[0].timestamp for queue in self._held.values() if queue), default=None)
        horizon = self._horizon()
        return first is not None and (horizon is None or first <= horizon)

    def add(self, polled: Mapping[Partition, Sequence[Record]]) -> None:
        """Takes in what was polled."""
        for at, records in polled.items():
            self._held.setdefault(at, deque()).extend(records)
            self._bytes += sum(size(record) for record in records)
            self._seen[at] = records[-1].timestamp
            if records[-1].offset + 1 >= self._behind.get(at, 0):
                self._behind.pop(at, None)

    def end(self) -> None:
        """Waits for nobody any more: nothing comes, whatever the ends promised."""
        self._behind.clear()

    def take(self, most: int) -> dict[Partition, list[Record]]:
        """The next records by append time, at most so many, by partition."""
        taken: dict[Partition, list[Record]] = {}
        queues = [queue for queue in self._held.values() if queue]
        horizon = self._horizon()
        for record in list(islice(merge(*queues, key=lambda record: record.timestamp), most)):
            if horizon is not None and record.timestamp > horizon:
                break
            at = (record.topic, record.partition)
            taken.setdefault(at, []).append(self._held[at].popleft())
            self._bytes -= size(record)
        return taken

    def _horizon(self) -> int | None:
        """Up to when records may go; None where nobody has to be waited for."""
        waited = [self._seen[at] for at in self._behind]
        return min(waited) if waited and self._bytes < self._hold_bytes else None


def size(record: Record) -> int:
    return len(record.value or b"") + 100
