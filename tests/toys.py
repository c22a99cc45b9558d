"""A stream of toys: the smallest one that uses all three shapes. For tests of the machine without orders and logs."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from realtime.api import Change, Denied, Id, Kind, Lens, Malformed, Old, Part, Put, Record, Stream, Tail, Tally, View

TOYS = Kind("toys", "toys", "toy:", "toys:index", beside=("beside:",))
TAIL = Tail("toys", "toys:recent", "toys:number", keep=20)
SECONDS = Tally("counts", "toys", "toys:counts:", bucket=1, page=60, keep=3600, shown=900)


AT = int(time.time()) * 1000
"""When the toys' records were appended: now, since counts leave Redis by their own time."""


class Toy(msgspec.Struct):
    """What a record says: the toy's id, a number that replaces the last one, a line to show."""

    id: str
    n: int
    at: int = 0
    offset: int = 0


def record(offset: int, value: bytes, partition: int = 0, life: str = "a1", at: int = AT) -> Record:
    return Record("toys", life, partition, offset, at, None, value)


def said(offset: int, id: str, n: int, **where: Any) -> Record:
    return record(offset, msgspec.json.encode({"id": id, "n": n}), **where)


def decode(record: Record) -> Sequence[Toy] | Malformed:
    try:
        toy = msgspec.json.decode(record.value or b"", type=Toy)
    except msgspec.DecodeError as error:
        return Malformed("not_a_toy", str(error))
    toy.at, toy.offset = record.timestamp, record.offset
    return [toy]


def keys(events: Sequence[Toy]) -> Sequence[Id]:
    return [(TOYS, toy.id) for toy in events]


def reduce(events: Sequence[Toy], old: Old, now: int) -> Change:
    """A toy's value is {"id", "n", "seen"}: the newest number, and how many events were counted into it."""
    change, states = Change(), {}
    for toy in events:
        state = states.get(toy.id) or msgspec.json.decode(old.get((TOYS, toy.id)) or b'{"seen":0}')
        states[toy.id] = {"id": toy.id, "n": toy.n, "seen": state["seen"] + 1}
        change.add_lines(TAIL, [msgspec.json.encode({"id": toy.id, "n_said": toy.n})])
        change.count(SECONDS, SECONDS.bucket_of(toy.at), toy.id)
    for id, state in states.items():
        change.put(TOYS, id, msgspec.json.encode(state), score=float(state["n"]))
    return change


class ToyLens(Lens):
    """Shows everything, or only the toys whose ids it was asked for."""

    def __init__(self, only: Sequence[str] | None = None) -> None:
        self.only = only
        self.share = ("toys", None if only is None else tuple(only))

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str] | None:
        return self.only

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        toys, removed = [], []
        for (_, id), value in part.values.items():
            if self.only is not None and id not in self.only:
                continue
            if value.data is None:
                removed.append(id)
            else:
                toys.append(msgspec.json.decode(value.data) | {"rev": value.rev})
        lines = [{"number": line.number, **msgspec.json.decode(line.data)} for line in part.lines]
        counts = [[bucket, name, n] for (_, bucket, name), n in part.totals.items()]
        if not (toys or removed or lines or counts or held is None):
            return None
        return {"toys": toys, "lines": lines, "counts": counts, "removed": removed}


def open_view(user: Any, argument: str, params: Mapping[str, str]) -> ToyLens | Denied:
    return ToyLens()


VIEW = View("toys", "toys", open_view, kinds=(TOYS,), tail=TAIL, tallies=(SECONDS,), limit=10)
DATABASE: dict[Id, bytes] = {}
"""What the toys' database holds, for tests of loading and restoring."""


def load(ids: Sequence[Id]) -> Mapping[Id, bytes]:
    return {id: DATABASE[id] for id in ids if id in DATABASE}


def join(id: Id, ours: bytes, theirs: bytes) -> Put:
    state, other = msgspec.json.decode(ours), msgspec.json.decode(theirs)
    state["seen"] += other["seen"]
    return Put(msgspec.json.encode(state), state["n"])


def restore() -> Any:
    for (kind, id), value in DATABASE.items():
        change = Change()
        change.put(kind, id, value, 0)
        yield change


STREAM = Stream("toys", decode, reduce, views=(VIEW,), keys=keys, load=load, join=join, restore=restore)
