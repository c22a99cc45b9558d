"""The shapes that state takes in Redis, and the change that a reduce makes to it (pure).

Three shapes are enough: keyed values (`Kind`), numbered lines (`Tail`) and counted buckets (`Tally`). Each belongs to
one Channels group; a change to any of them ends in one push to that group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """Values by id, at `prefix + id`, JSON. `index` is a sorted set of the ids that a snapshot shows.

    A kind without an index has the fixed `ids`. `beside` are prefixes of keys that go when the value goes. Each is
    declared once, and is itself alone: a batch looks thousands of ids up by it.
    """

    name: str
    group: str
    prefix: str
    index: str = ""
    ids: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def key(self, id: str) -> str:
        return self.prefix + id


class Tail(NamedTuple):
    """The newest `keep` lines in a list at `key`; `number` holds the last line's number. Lines are JSON objects."""

    group: str
    key: str
    number: str
    keep: int


class Tally(NamedTuple):
    """Counts by bucket and field. A bucket is `bucket` seconds long, named by its first Unix second.

    Buckets of `page` seconds share a hash at `prefix + first second of the page`, which expires `keep` seconds after
    the page's end. `shown` seconds of it are part of a snapshot.
    """

    name: str
    group: str
    prefix: str
    bucket: int
    page: int
    keep: int
    shown: int

    def bucket_of(self, ms: int) -> int:
        second = ms // 1000
        return second - second % self.bucket

    def page_of(self, bucket: int) -> int:
        return bucket - bucket % self.page

    def expires(self, bucket: int) -> int:
        """When the bucket's hash leaves Redis, in Unix seconds."""
        return self.page_of(bucket) + self.page + self.keep


Id = tuple[Kind, str]
Old = Mapping[Id, bytes | None]


class Put(NamedTuple):
    """A new value (None deletes it), its score in the index (None takes it out of the index), and when it expires.

    `until` is in Unix ms; the value then leaves Redis by a worker's sweep, which viewers are told of. None: it stays.
    """

    value: bytes | None
    score: float | None
    until: int | None = None


class Note(NamedTuple):
    """A member of a sorted set beside a value, such as an order's timeline; the newest `keep` stay."""

    key: str
    member: bytes
    score: float
    keep: int


@dataclass(slots=True)
class Change:
    """What a batch does to the state: filled by reduce, applied in one atomic step, then pushed."""

    puts: dict[Id, Put] = field(default_factory=dict)
    lines: dict[Tail, list[bytes]] = field(default_factory=dict)
    skipped: dict[Tail, int] = field(default_factory=dict)
    counts: dict[tuple[Tally, int, str], int] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    clears: dict[str, float] = field(default_factory=dict)

    def put(self, kind: Kind, id: str, value: bytes | None, score: float | None, until: int | None = None) -> None:
        """Sets a value; the score orders the index, None keeps the value out of it. See `Put`."""
        self.puts[kind, id] = Put(value, score, until)

    def add_lines(self, tail: Tail, lines: Sequence[bytes]) -> None:
        """Appends JSON objects; they are numbered in the atomic step."""
        self.lines.setdefault(tail, []).extend(lines)

    def skip(self, tail: Tail, n: int) -> None:
        """Numbers `n` lines, ahead of those added, that are not kept: a batch may hold more lines than the tail."""
        self.skipped[tail] = self.skipped.get(tail, 0) + n

    def count(self, tally: Tally, bucket: int, name: str, n: int = 1) -> None:
        """Adds to a bucket (named by its first Unix second)."""
        key = (tally, bucket, name)
        self.counts[key] = self.counts.get(key, 0) + n

    def note(self, key: str, member: bytes, score: float, keep: int) -> None:
        self.notes.append(Note(key, member, score, keep))

    def clear(self, key: str, upto: float) -> None:
        """Takes out of a timeline what stands at this score or before, ahead of any note of this change."""
        self.clears[key] = upto

    def update(self, other: "Change") -> None:
        """Takes in what another stream of the same batch changed; two streams never put the same id."""
        self.puts.update(other.puts)
        for tail, lines in other.lines.items():
            self.add_lines(tail, lines)
        for tail, n in other.skipped.items():
            self.skip(tail, n)
        for (tally, bucket, name), n in other.counts.items():
            self.count(tally, bucket, name, n)
        self.notes.extend(other.notes)
        self.clears.update(other.clears)

    def groups(self) -> set[str]:
        """The groups that a push goes to."""
        kinds = {kind.group for kind, _ in self.puts}
        return kinds | {tail.group for tail in self.lines} | {tally.group for tally, _, _ in self.counts}
