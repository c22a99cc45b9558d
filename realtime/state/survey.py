"""Counts and values of the state for code outside the hub, with how far they can be relied upon, in one step."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from realtime.batches import Mark
from realtime.shapes import Id, Tally
from realtime.state.connection import AWAY, StateAway, client, lua, names

HEARD_S = 5
"""A live worker says every second how far its partitions reach; after so many without, nobody vouches for counts."""
FETCH_S = 2
"""What a worker says it may have heard of Kafka so long before."""


class Span(NamedTuple):
    """Buckets of a tally from `first` to `last`, both named by a Unix second within them."""

    tally: Tally
    first: int
    last: int


class Survey(NamedTuple):
    """What the state holds. `until`: the Unix second to which the topic is surely applied; None: nobody can say now.

    `why` says it in words then.
    """

    totals: Mapping[tuple[Tally, int, str], int]
    values: Mapping[Id, bytes | None]
    until: int | None
    why: str


def survey(topic: str, spans: Sequence[Span], ids: Sequence[Id]) -> Survey:
    """Reads spans and values, and how far `topic` is applied. Raises StateAway."""
    n, redis = names(), client()
    pages = [(span, page) for span in spans for page in pages_of(span)]
    pipe = redis.pipeline(transaction=True)
    redis.register_script(lua("epoch") + "return epoch")(keys=[n.epoch], client=pipe)
    for key in (n.ends, n.applied, n.reach, n.heard):
        pipe.hgetall(key)
    pipe.time()
    for kind, id in ids:
        pipe.get(n.key(kind.key(id)))
    for (tally, _, _), page in pages:
        pipe.hgetall(n.key(f"{tally.prefix}{page}"))
    try:
        epoch, ends, applied, reach, heard, (second, _), *held = pipe.execute()
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    until, why = vouched(topic, ends, applied, reach, heard, second) if epoch else (None, "the state is being rebuilt")
    totals: dict[tuple[Tally, int, str], int] = {}
    for (span, _), counts in zip(pages, held[len(ids) :], strict=True):
        for field, total in counts.items():
            bucket, _, name = field.decode().partition("|")
            if span.first - span.tally.bucket < int(bucket) <= span.last:
                totals[span.tally, int(bucket), name] = int(total)
    return Survey(totals, dict(zip(ids, held, strict=False)), until, why)


def pages_of(span: Span) -> range:
    """The first seconds of the pages that hold a span."""
    return range(span.tally.page_of(span.first), span.last + 1, span.tally.page)


def vouched(
    topic: str,
    ends: Mapping[bytes, bytes],
    applied: Mapping[bytes, bytes],
    reach: Mapping[bytes, bytes],
    heard: Mapping[bytes, bytes],
    now: int,
) -> tuple[int | None, str]:
    """The second to which each partition of a topic is applied, or None and why nobody can say (pure).

    The ends were true when they were heard, so what is applied up to them is all that was there before.
    """
    mine = [at for at in {*ends, *reach} if at.rpartition(b":")[0] == topic.encode()]
    since = min((int(heard.get(at, b"0")) for at in mine), default=0)
    if now - since > HEARD_S:
        return None, "no live worker reads all of the topic"
    marks = {at: Mark.read(applied[at].decode()).offset if at in applied else -1 for at in mine}
    behind = sum(max(0, max(int(reach.get(at, b"0")), int(ends.get(at, b"0"))) - marks[at] - 1) for at in mine)
    return (None, f"the live workers are {behind} records behind") if behind else (since - FETCH_S, "")
