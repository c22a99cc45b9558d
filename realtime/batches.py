"""A batch of records on its way from Kafka into a state: what it reads, what it changes, how far it reaches (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from realtime.policy import BAD, GOOD
from realtime.records import Malformed, Record
from realtime.shapes import Change, Id, Old

Partition = tuple[str, int]


class Mark(NamedTuple):
    """An applied offset with the life of its topic, stored as `life:offset`."""

    life: str
    offset: int

    def __str__(self) -> str:
        return f"{self.life}:{self.offset}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        life, _, offset = text.rpartition(":")
        return cls(life, int(offset))


class Applied(NamedTuple):
    """The batch is part of the state; these pushes tell of it. `malformed`: how many of a topic's last records are."""

    pushes: Sequence[Any]
    malformed: Mapping[str, int] = {}


class Refused(NamedTuple):
    """The state is not what the batch started from: `epoch`, `lock`, `mark` or `value` differs. Nothing was written."""

    what: str
    detail: str


class Reduces(Protocol):
    """The part of a Stream that a batch needs."""

    @property
    def topic(self) -> str: ...
    def decode(self, record: Record, /) -> Sequence[Any] | Malformed: ...
    def keys(self, events: Sequence[Any], /) -> Sequence[Id]: ...
    def reduce(self, events: Sequence[Any], old: Old, now: int, /) -> Change: ...


@dataclass(slots=True)
class Batch:
    """Decoded records of several partitions, each partition's in offset order and without a gap."""

    events: dict[Any, list[Any]] = field(default_factory=dict)
    malformed: list[tuple[Record, Malformed]] = field(default_factory=list)
    kinds: dict[Partition, str] = field(default_factory=dict)
    """By partition: GOOD or BAD for each record."""
    reach: dict[Partition, tuple[Mark | None, Mark]] = field(default_factory=dict)
    produced: int | None = None
    size: int = 0

    def add(self, stream: Reduces, records: Sequence[Record], start: Mark | None) -> None:
        """Takes in the records of one partition, which follow the applied offset `start`."""
        if not records:
            return
        events, kinds, decode = self.events.setdefault(stream, []), [], stream.decode
        for record in records:
            decoded = decode(record)
            if isinstance(decoded, Malformed):
                self.malformed.append((record, decoded))
                kinds.append(BAD)
            else:
                events += decoded
                kinds.append(GOOD)
        last = records[-1]
        self.kinds[last.topic, last.partition] = "".join(kinds)
        self.reach[last.topic, last.partition] = (start, Mark(last.life, last.offset))
        self.produced = max(last.timestamp, self.produced or 0)
        self.size += len(records)

    def marks(self) -> dict[str, tuple[str, str]]:
        """By field of `stream:applied`: the mark that the batch starts from (empty: none) and the one it reaches."""
        reach = self.reach.items()
        return {f"{topic}:{number}": (str(old or ""), str(new)) for (topic, number), (old, new) in reach}

    def kinds_by_topic(self) -> dict[str, str]:
        """GOOD or BAD for each record of each topic."""
        found: dict[str, str] = {}
        for (topic, _), kinds in self.kinds.items():
            found[topic] = found.get(topic, "") + kinds
        return found

    def ids_by_stream(self) -> list[tuple[Any, Sequence[Id]]]:
        return [(stream, stream.keys(events)) for stream, events in self.events.items() if events]

    def ids(self) -> list[Id]:
        """The values that the streams' reduce reads, each once."""
        return list(dict.fromkeys(id for _, ids in self.ids_by_stream() for id in ids))

    def change(self, old: Old, now: int) -> Change:
        """What the batch does to the state; `now` is Unix ms."""
        change = Change()
        for stream, events in self.events.items():
            if events:
                change.update(stream.reduce(events, old, now))
        return change
