"""An order's state: a last-writer-wins map of its fields, in which the order of events cannot matter (pure).

Each field keeps the stamp of the event that set it, and the larger stamp wins. Deleting is a stamped field too: with W
the largest stamp of a deletion, every field stamped at or below W is gone for good, whenever it arrives. What is
stamped later waits for a `deleted: false`, which alone revives. Merging is commutative, associative and idempotent.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import DecodeError, Struct, field, json, to_builtins

from orders.events import OrderEvent
from orders.facts import FIELDS, FINISHED, NAMES, OrderFacts, Place, said
from realtime.api import Change, Id, Kind, Old, Put, Stamp

TIMELINE = "timeline:"
ORDERS = Kind("orders", "orders", "order:", "orders:active", beside=(TIMELINE,))
TIMELINE_KEEP = 50
KEEP_MS = 48 * 3_600_000
"""How long an order that is over stays in Redis, where the settings say nothing else."""
TOLD = ("status", "note", "public_note", "courier", "deleted")
"""The facts that make an event part of the timeline."""


class OrderState(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What is true of an order now, as Redis holds it. Times are Unix ms; `times`: when each status was last reached.

    `wiped` is the largest stamp of a deletion.
    """

    order_id: str
    customer_name: str | None = None
    items: list[str] | None = None
    status: str | None = None
    note: str | None = None
    public_note: str | None = None
    courier: str | None = None
    eta: int | None = None
    due: int | None = None
    destination: Place | None = None
    deleted: bool = False
    times: dict[str, int] = field(default_factory=dict)
    timestamp: int = 0
    stamps: dict[str, Stamp] = field(default_factory=dict)
    wiped: Stamp | None = None

    @property
    def score(self) -> float | None:
        """Its place in the index; a deleted order has none."""
        return None if self.deleted else self.timestamp


# Keys of maps are sorted, so that equal states are equal bytes.
_encoder = json.Encoder(order="deterministic")
_decoder = json.Decoder(OrderState)
encode = _encoder.encode


def decode(order_id: str, value: bytes | None) -> OrderState:
    """The state in a value of ours; a value that nobody of us wrote, or none, is an order without a history."""
    try:
        return _decoder.decode(value) if value else OrderState(order_id=order_id)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return OrderState(order_id=order_id)


def apply(state: OrderState, facts: OrderFacts, stamp: Stamp) -> None:
    """Merges what one event said into the state."""
    if facts.deleted is True:
        _wipe(state, stamp)
    alive = state.wiped is None or stamp > state.wiped
    for name, value in said(facts):
        if alive or name == "deleted":
            _set(state, name, value, stamp)
    status = facts.status
    if isinstance(status, str) and _reached(state, stamp.time):
        state.times[status] = max(stamp.time, state.times.get(status, 0))
    state.timestamp = max(state.timestamp, stamp.time)


def merge(ours: OrderState, theirs: OrderState) -> OrderState:
    """Two states of one order, from different events of it, as one; `ours` is changed and returned."""
    if theirs.wiped is not None:
        _wipe(ours, theirs.wiped)
    for name in FIELDS:
        stamp = theirs.stamps.get(NAMES[name])
        if stamp is not None and (name == "deleted" or ours.wiped is None or stamp > ours.wiped):
            _set(ours, name, getattr(theirs, name), stamp)
    for status, time in theirs.times.items():
        if _reached(ours, time):
            ours.times[status] = max(time, ours.times.get(status, 0))
    ours.timestamp = max(ours.timestamp, theirs.timestamp)
    return ours


def facts(state: OrderState) -> dict[str, Any]:
    """What is true of an order, by the names in JSON; None for what is not known."""
    return {NAMES[name]: to_builtins(getattr(state, name)) for name in FIELDS if name != "deleted"}


def leaves(state: OrderState, keep_ms: int) -> int | None:
    """When an order that is over, finished or deleted, leaves Redis (Unix ms): once it has been quiet for `keep_ms`."""
    over = state.deleted or state.status in FINISHED
    return state.timestamp + keep_ms if over else None


def order_keys(events: Sequence[OrderEvent]) -> list[Id]:
    return [(ORDERS, order_id) for order_id in dict.fromkeys(event.order_id for event in events)]


def reduce_orders(events: Sequence[OrderEvent], old: Old, now: int, keep_ms: int = KEEP_MS) -> Change:
    """Merges events into their orders: one put for each order, timeline entries for what people read."""
    by_id: dict[str, list[OrderEvent]] = {}
    for event in events:
        by_id.setdefault(event.order_id, []).append(event)
    change = Change()
    for order_id, its in by_id.items():
        state = decode(order_id, old.get((ORDERS, order_id)))
        wiped = state.wiped
        for event in its:
            apply(state, event.facts, event.stamp)
        change.puts[ORDERS, order_id] = put(state, keep_ms)
        if state.wiped is not None and state.wiped != wiped:
            change.clear(TIMELINE + order_id, state.wiped.time)
        for member, time in timeline(its, state.wiped):
            change.note(TIMELINE + order_id, member, time, TIMELINE_KEEP)
    return change


def join_orders(id: Id, ours: bytes, theirs: bytes, keep_ms: int = KEEP_MS) -> Put:
    """Two values of one order as one, such as Redis's and the database's."""
    return put(merge(decode(id[1], ours), decode(id[1], theirs)), keep_ms)


def put(state: OrderState, keep_ms: int) -> Put:
    """A state as it goes into Redis: its bytes, its place in the index, when it leaves."""
    return Put(encode(state), state.score, leaves(state, keep_ms))


def timeline(events: Sequence[OrderEvent], wiped: Stamp | None) -> Iterator[tuple[bytes, int]]:
    """The timeline's members with their times. Of a deletion only that it happened; of what it wiped nothing."""
    for event in events:
        gone = wiped is not None and event.stamp <= wiped
        if gone and not (event.stamp == wiped and event.facts.deleted is True):
            continue
        told = {"deleted": True} if gone else {NAMES[name]: value for name, value in said(event.facts) if name in TOLD}
        if told:
            yield member(event.id, event.stamp.time, told, event.by, event.source), event.stamp.time


def member(event_id: str, time: int, told: Mapping[str, object], by: str = "", source: str = "") -> bytes:
    """An entry of the timeline; the same event gives the same bytes, so that a repeat adds nothing."""
    who = {name: value for name, value in (("by", by), ("source", source)) if value}
    return _encoder.encode({"id": event_id, "time": time, **told, **who})


def _set(state: OrderState, name: str, value: object, stamp: Stamp) -> None:
    key, stamps = NAMES[name], state.stamps
    held = stamps.get(key)
    if held is None or stamp > held:
        setattr(state, name, value)
        stamps[key] = stamp


def _wipe(state: OrderState, stamp: Stamp) -> None:
    """Drops what a deletion at `stamp` takes with it. Only `deleted` itself keeps an older stamp's value."""
    if state.wiped is not None and stamp <= state.wiped:
        return
    state.wiped = stamp
    for name in FIELDS:
        set_at = state.stamps.get(NAMES[name])
        if name != "deleted" and set_at is not None and set_at <= stamp:
            setattr(state, name, None)
            del state.stamps[NAMES[name]]
    state.times = {status: time for status, time in state.times.items() if _reached(state, time)}


def _reached(state: OrderState, time: int) -> bool:
    """Whether a status reached at `time` outlives the last deletion; within its millisecond none does."""
    return state.wiped is None or time > state.wiped.time
