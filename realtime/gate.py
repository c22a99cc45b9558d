"""How much of a batch may go to the dead letters: a limit for each topic, and what is let through beyond (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from realtime.batches import Batch, Partition
from realtime.policy import BAD, DivertLimit
from realtime.records import Malformed, Record


class TooManyMalformed(Exception):
    """Most of a topic is malformed: the worker ends rather than divert everything. The text is one line."""

    def __init__(self, record: Record, why: Malformed, bad: int, limit: DivertLimit) -> None:
        super().__init__(
            f"{bad} of the last {limit.window} records of {record.topic} were malformed, and so is the next, "
            f"{record.topic}-{record.partition} at offset {record.offset} ({str(why)[:200]}). "
            f"Nothing more is diverted: mend its producer, or let N more through with --divert N."
        )


class Passage(NamedTuple):
    """How many of a batch's records pass, by partition; how many of the extra ones that takes; why not the rest."""

    passing: Mapping[Partition, int]
    taken: int
    stop: TooManyMalformed | None


@dataclass(slots=True)
class Gate:
    """Lets malformed records through while they are few, and `extra` ones beyond."""

    limit: DivertLimit = field(default_factory=DivertLimit)
    extra: int = 0
    _bad: dict[str, int] = field(default_factory=dict, init=False)

    def look(self, batch: Batch, recent: Callable[[str], str]) -> Passage:
        """What may pass. `recent(topic)` says which of a topic's last records were malformed; asked where it is close.

        A partition ends at its first record that may not pass; the others of its topic go on.
        """
        passing, held, taken = {at: len(kinds) for at, kinds in batch.kinds.items()}, {}, 0
        stop: TooManyMalformed | None = None
        close = {topic for topic, kinds in batch.kinds_by_topic().items() if self._is_close(topic, kinds)}
        for at, kinds in batch.kinds.items():
            topic = at[0]
            if topic not in close:
                continue
            if topic not in held:
                held[topic] = recent(topic)
            passing[at], took = self.limit.passing(held[topic], kinds, self.extra - taken)
            held[topic] = (held[topic] + kinds[: passing[at]])[-self.limit.window :]
            taken += took
            if stop is None and passing[at] < len(kinds):
                nth = kinds[: passing[at]].count(BAD)
                mine = [pair for pair in batch.malformed if (pair[0].topic, pair[0].partition) == at]
                stop = TooManyMalformed(*mine[nth], held[topic].count(BAD), self.limit)
        return Passage(passing, taken, stop)

    def passed(self, taken: int, malformed: Mapping[str, int]) -> None:
        """A batch was applied: it took so many extra ones, and this is how its topics stand now."""
        self.extra -= taken
        self._bad.update(malformed)

    def forget(self) -> None:
        """What was known of the topics may be old."""
        self._bad.clear()

    def _is_close(self, topic: str, kinds: str) -> bool:
        """Whether a topic's last records must be asked for: they may reach the limit, or how they stand is not known.

        Other workers of the topic may be ahead of what is known here by the batch that each has in hand.
        """
        coming = kinds.count(BAD)
        return coming > 0 and (topic not in self._bad or self._bad[topic] + coming > self.limit.most)
