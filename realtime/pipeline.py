"""The worker's loop over its ports: poll, decode, reduce, apply, push. No I/O of its own."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from realtime.batches import Applied, Batch, Mark, Partition, Reduces, Refused
from realtime.gate import Gate
from realtime.policy import Backoff, Every
from realtime.records import Malformed, Record
from realtime.timeorder import CatchUp

logger = logging.getLogger(__name__)

POLL_S = 0.25
BATCH = 1000
"""Records in a batch: one of log lines fits into the lines that Redis keeps, so none is pushed over the edge."""
SILENCE_S = 3.0


Polled = Mapping[Partition, Sequence[Record]]


class Away(Exception):
    """A server that the pipeline needs does not answer: forget the batch, keep the membership, try again."""


class Source(Protocol):
    """Where records come from."""

    def poll(self, timeout_s: float) -> Polled: ...
    def moved(self) -> bool: ...
    def assigned(self) -> Sequence[Partition]: ...
    def lives(self) -> Mapping[str, str]: ...
    def ends(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]: ...
    def seek(self, starts: Mapping[Partition, int | None]) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def commit(self, reached: Mapping[Partition, Mark], wait_s: float = 0) -> None: ...
    def close(self) -> None: ...


class State(Protocol):
    """What records are applied to. Methods raise Away where it does not answer."""

    def begin(self, now: float) -> None:
        """Makes sure that the state has a life of its own; called before anything is applied, and after a refusal."""

    def marks(self, partitions: Sequence[Partition]) -> Mapping[Partition, Mark]: ...
    def recent(self, topic: str) -> str:
        """Which of a topic's last records were malformed (BAD), oldest first."""

    def apply(self, batch: Batch, now: float) -> Applied | Refused: ...
    def turn(self, now: float) -> Sequence[Any]:
        """What is due without any record; returns pushes."""


@dataclass(slots=True)
class Pipeline:
    """One worker: each `turn` polls once and finishes what it polled before the next.

    There is one recovery for everything that goes wrong on the way (a rebalance, a refused batch, a server that is
    away): forget what is held, read the applied offsets again, seek to them. It is safe because a state counts each
    record once, whatever is delivered again.
    """

    source: Source
    state: State
    streams: Mapping[str, Reduces]
    push: Callable[[Sequence[Any]], None]
    divert: Callable[[Sequence[tuple[Record, Malformed]]], None] | None
    """Sends dead letters, within the limit that `gate` keeps; None: whoever else reads the topics does."""
    reach: Callable[[str, int], None] = lambda point, records: None
    """Called between the steps of a batch: see failpoints.py."""
    gate: Gate = field(default_factory=Gate)
    batch_records: int = BATCH
    backoff: Backoff = field(default_factory=Backoff)
    applied: int = field(default=0, init=False)
    _starts: dict[Partition, Mark | None] = field(default_factory=dict, init=False)
    _lives: Mapping[str, str] = field(default_factory=dict, init=False)
    _aligned: bool = field(default=False, init=False)
    _catch_up: CatchUp | None = field(default=None, init=False)
    _heard: float = field(default=0.0, init=False)
    _again_at: float = field(default=0.0, init=False)
    _commit: Every = field(default_factory=lambda: Every(1.0), init=False)
    _complain: dict[type[Away], Every] = field(default_factory=dict, init=False)
    _reached: dict[Partition, Mark] = field(default_factory=dict, init=False)

    def turn(self, now: float) -> bool:
        """One round; `now` is Unix seconds. Returns whether a batch was applied.

        Raises TooManyMalformed once what precedes the record that may not be diverted is applied.
        """
        wait_s = 0.0 if self._aligned and self._catch_up and self._catch_up.ready else POLL_S
        try:
            polled = self.source.poll(wait_s)
            if self.source.moved():
                self._aligned = False
            if not self._aligned:
                if now >= self._again_at:
                    self._align(now)
                return False
            if self._went_back(polled):
                self._aligned = False
                return False
            batch = self._in_time_order(polled, wait_s, now)
            done = self._run(batch, now) if batch else False
            self._listen_for_kafka(bool(polled), now)
            self.push(self.state.turn(now))
            self.backoff.reset()
        except Away as error:
            self._step_back(error, now)
            return False
        if self._reached and self._commit.due(now):
            self.source.commit(self._reached)
            self._reached = {}
        return done

    def is_at_the_end(self) -> bool:
        """Whether every partition that is ours is applied up to its end."""
        if not self._aligned or not self._starts:
            return False
        ends = self.source.ends(list(self._starts))
        return all(self._next(at) >= end for at, end in ends.items())

    def close(self) -> None:
        """Commits what was applied and leaves the group."""
        if self._reached:
            self.source.commit(self._reached, wait_s=2)
        self.source.close()

    def _in_time_order(self, polled: Polled, wait_s: float, now: float) -> Polled:
        """What to apply now: while catching up in the order of append times, else what was polled."""
        if self._catch_up is None:
            return polled
        self._catch_up.add(polled, now)
        if wait_s and not polled:
            self._catch_up.end()
        batch = self._catch_up.take(self.batch_records)
        if self._catch_up.done:
            self._catch_up = None
        return batch

    def _went_back(self, polled: Polled) -> bool:
        """Whether records come that were applied before: the topic was made again, or its log was truncated."""
        return any(at in self._starts and records[0].offset < self._next(at) for at, records in polled.items())

    def _listen_for_kafka(self, heard: bool, now: float) -> None:
        """Silence may be an idle topic or a broker that is away: only in the first case do we show that we live."""
        if heard:
            self._heard = now
        elif self._starts and now - self._heard >= SILENCE_S:
            self.source.ends(list(self._starts))
            self._heard = now

    def _align(self, now: float) -> None:
        """Puts every assigned partition to the record after its applied offset."""
        self.state.begin(now)
        partitions = self.source.assigned()
        self._lives, marks = self.source.lives(), self.state.marks(partitions)
        ends = self.source.ends(partitions) if partitions else {}
        self._starts = {at: marks.get(at) for at in partitions}
        # Also what another worker applied: lag is then true, and whoever was thrown out of the group learns of it.
        self._reached = {at: mark for at, mark in self._starts.items() if mark and mark.life == self._lives.get(at[0])}
        self.source.seek({at: self._resume_at(at, ends) for at in partitions})
        self.source.resume()
        behind = {at: end for at, end in ends.items() if end > self._next(at)}
        self._catch_up = CatchUp(behind) if behind else None
        self._aligned = True
        self.gate.forget()

    def _next(self, at: Partition) -> int:
        """The offset after the applied one; the start of a topic that is new, or was made again."""
        mark = self._starts[at]
        return mark.offset + 1 if mark and mark.life == self._lives.get(at[0]) else 0

    def _resume_at(self, at: Partition, ends: Mapping[Partition, int]) -> int | None:
        mark = self._starts[at]
        if mark is None:
            return None
        if mark.life != self._lives.get(at[0]):
            logger.warning("%s-%d is a new topic of this name; it is read from its beginning.", *at)
            return None
        if ends.get(at, mark.offset + 1) <= mark.offset:
            logger.warning("%s-%d ends at %d, before the applied offset %d; going on from its end.",
                           *at, ends[at], mark.offset)  # fmt: skip
            return ends[at]
        return mark.offset + 1

    def _run(self, polled: Polled, now: float) -> bool:
        batch = self._decoded(polled)
        passage = self.gate.look(batch, self.state.recent) if self.divert and batch.malformed else None
        if passage and passage.stop:
            batch = self._decoded({at: records[: passage.passing.get(at, 0)] for at, records in polled.items()})
        done = self._apply(batch, passage.taken if passage else 0, now) if batch.size else True
        if passage and passage.stop and done:
            raise passage.stop
        return done

    def _decoded(self, polled: Polled) -> Batch:
        batch = Batch()
        for at, records in polled.items():
            if at in self._starts:
                batch.add(self.streams[at[0]], records, self._starts[at])
        return batch

    def _apply(self, batch: Batch, extra: int, now: float) -> bool:
        self.reach("before-apply", batch.size)
        if batch.malformed and self.divert:
            self.divert(batch.malformed)
            self.reach("after-divert", batch.size)
        outcome = self.state.apply(batch, now)
        if isinstance(outcome, Refused):
            logger.warning("The state refused a batch of %d (%s: %s); reading again.", batch.size, *outcome)
            self._aligned = False
            return False
        for at, (_, mark) in batch.reach.items():
            self._starts[at] = self._reached[at] = mark
        self.gate.passed(extra, outcome.malformed)
        self.applied += batch.size
        self.reach("after-apply", batch.size)
        self.push(outcome.pushes)
        self.reach("after-push", batch.size)
        return True

    def _step_back(self, error: Away, now: float) -> None:
        if self._complain.setdefault(type(error), Every(60.0)).due(now):
            logger.warning("%s Waiting; nothing is lost.", error)
        self._aligned = False
        self._again_at = now + self.backoff.wait()
        self.source.pause()
