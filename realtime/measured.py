"""The worker's ports with a clock around them: the pipeline itself is pure, so what it does is counted here.

Everything is counted once a batch; a turn without a record costs one comparison.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from realtime import metrics
from realtime.batches import Applied, Batch, Mark, Partition, Refused
from realtime.pipeline import State
from realtime.policy import BAD, Every
from realtime.records import Malformed, Record

LAG_S = 1.0


class Reaches(Protocol):
    """The part of a source that lag needs."""

    def reach(self) -> Mapping[Partition, int]: ...


class MeasuredState:
    """A state port that counts what goes through it."""

    def __init__(self, group: str, state: State, source: Reaches) -> None:
        self.group, self._state, self._source = group, state, source
        self._next: dict[Partition, int] = {}
        self._lag = Every(LAG_S)

    def begin(self, now: float) -> None:
        self._state.begin(now)

    def marks(self, partitions: Sequence[Partition]) -> Mapping[Partition, Mark]:
        marks = self._state.marks(partitions)
        self._next = {at: marks[at].offset + 1 if at in marks else 0 for at in partitions}
        return marks

    def recent(self, topic: str) -> str:
        return self._state.recent(topic)

    def apply(self, batch: Batch, now: float) -> Applied | Refused:
        """Its time is that of the state's step."""
        began = time.perf_counter()
        outcome = self._state.apply(batch, now)
        metrics.APPLY.labels(self.group).observe(time.perf_counter() - began)
        if isinstance(outcome, Refused):
            metrics.BATCHES.labels(self.group, f"refused_{outcome.what}").inc()
            return outcome
        metrics.BATCHES.labels(self.group, "applied").inc()
        for topic, kinds in batch.kinds_by_topic().items():
            bad = kinds.count(BAD)
            metrics.RECORDS.labels(self.group, topic, "applied").inc(len(kinds) - bad)
            if bad:
                metrics.RECORDS.labels(self.group, topic, "malformed").inc(bad)
        if batch.produced is not None:
            metrics.TO_APPLY.labels(self.group).observe(max(0.0, time.time() - batch.produced / 1000))
        self._next |= {at: mark.offset + 1 for at, (_, mark) in batch.reach.items()}
        return outcome

    def turn(self, now: float) -> Sequence[Any]:
        if self._lag.due(now):
            ends = self._source.reach()
            waiting = {at: max(0, ends[at] - n) if at in ends else None for at, n in self._next.items()}
            metrics.lag(self.group, waiting)
        return self._state.turn(now)


def push(send: Callable[[Sequence[Any]], None]) -> Callable[[Sequence[Any]], None]:
    """Pushes, and how long that took."""

    def measured(pushes: Sequence[Any]) -> None:
        if not pushes:
            return
        began = time.perf_counter()
        send(pushes)
        metrics.PUSH.observe(time.perf_counter() - began)
        for group, _ in pushes:
            metrics.PUSHES.labels(group).inc()

    return measured


def divert(
    send: Callable[[Sequence[tuple[Record, Malformed]]], None],
) -> Callable[[Sequence[tuple[Record, Malformed]]], None]:
    """Diverts, and counts what the dead letters have acknowledged."""

    def measured(malformed: Sequence[tuple[Record, Malformed]]) -> None:
        send(malformed)
        for record, why in malformed:
            metrics.dead_letters(record.topic, why.reason)

    return measured
