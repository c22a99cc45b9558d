"""What viewers may see of orders and positions, as lists of what is allowed (pure)."""

from collections.abc import Hashable, Sequence
from secrets import token_hex
from typing import Any

from msgspec import DecodeError, Struct, field, json, to_builtins

from orders.facts import Place
from orders.positions import COURIERS
from orders.public import (
    SIGHT,
    Sight,
    TrackedOrder,
    TrackedPosition,
    courier_shown,
    order_decoder,
    position_decoder,
    public_order,
    public_position,
)
from orders.selection import OrderFilter
from orders.state import ORDERS
from orders.whereabouts import SeenPosition
from realtime.api import Id, Kind, Lens, Part, Value


class StaffOrder(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What staff see of an order; a value's other fields stay on the server."""

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


MANY = 5_000
"""A filtered lens that notes more than this forgets what left long ago."""

_order, _position = json.Decoder(StaffOrder), json.Decoder(SeenPosition)


class StaffLens(Lens):
    """All orders and positions, or those that a filter asks for. Staff with the same filter get the same frames.

    What a filter no longer sees is `removed`, and only where it was shown: so a filtered lens notes what it showed, and
    at which rev that left. Its name is its own, since only it can tell who comes back.
    """

    def __init__(self, filter: OrderFilter = OrderFilter()) -> None:  # noqa: B008 - a tuple
        self.filter = filter
        self.share: Hashable = ("staff", *filter)
        self._asked = None if filter.orders is None else frozenset(filter.orders)
        self.restart()

    def restart(self) -> None:
        self._left: dict[tuple[str, str], int | None] = {}
        self._forgotten = 0
        self._own = "" if self.filter.is_open else f"-{token_hex(4)}"

    @property
    def name(self) -> str:
        return super().name + self._own

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str] | None:
        if self.filter.orders is None:
            return None
        return self.filter.orders if kind == ORDERS else ()

    def concerns(self, part: Part) -> bool:
        return self._asked is None or any(kind == ORDERS and id in self._asked for kind, id in part.values)

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        orders: list[dict[str, Any]] = []
        couriers: list[dict[str, Any]] = []
        removed: dict[str, list[str]] = {"orders": [], "couriers": []}
        for (kind, id), value in part.values.items():
            if self._asked is not None and (kind != ORDERS or id not in self._asked):
                continue  # before it is decoded: these are all but a few
            shown = False
            if kind == ORDERS and (order := self._order(value)) is not None:
                shown = True
                orders.append(_shown(order, {"times": order.times, "timestamp": order.timestamp}, value.rev))
            elif kind == COURIERS and (position := self._position(value)) is not None:
                shown = True
                couriers.append(_shown(position, {"timestamp": position.timestamp}, value.rev))
            if self._is_removed(kind.name, id, shown, value.rev, held):
                removed[kind.name].append(id)
        if held is None:
            return {"orders": orders, "couriers": couriers}
        gone = {name: ids for name, ids in removed.items() if ids}
        body = {"orders": orders, "couriers": couriers, "removed": gone}
        return {name: what for name, what in body.items() if what} or None

    def sees(self, id: Id, value: Value) -> bool:
        if self.filter.is_open:
            return True
        if self._asked is not None and (id[0] != ORDERS or id[1] not in self._asked):
            return False
        return (self._order(value) if id[0] == ORDERS else self._position(value)) is not None

    def knows(self, seq: int) -> bool:
        return seq >= self._forgotten

    def forget(self, seq: int) -> None:
        if len(self._left) > MANY:
            old = {id: rev for id, rev in self._left.items() if rev is not None and rev <= seq}
            self._forgotten = max(old.values(), default=self._forgotten)
            self._left = {id: rev for id, rev in self._left.items() if id not in old}

    def _order(self, value: Value) -> StaffOrder | None:
        """The order in a value, if it is there and asked for."""
        order: StaffOrder | None = _read(_order, value.data)
        if order is None or order.deleted:
            return None
        at = None if order.destination is None else (order.destination.lat, order.destination.lng)
        return order if self.filter.sees_order(order.status, order.courier, at) else None

    def _position(self, value: Value) -> SeenPosition | None:
        """The position in a value, if it is there and asked for."""
        position: SeenPosition | None = _read(_position, value.data)
        if position is None or self.filter.sees_position(position.name, position.lat, position.lng):
            return position
        return None

    def _is_removed(self, kind: str, id: str, shown: bool, rev: int, held: int | None) -> bool:
        """Whether who holds what was true at `held` shows what is no longer to be seen."""
        if self.filter.is_open:
            return not shown
        if shown:
            self._left[kind, id] = None
            return False
        if held is None or (kind, id) not in self._left:
            return False
        left = self._left[kind, id]
        if left is None:
            left = self._left[kind, id] = rev
        return left > held


class TrackLens(Lens):
    """One order as its customer sees it: no names but the courier's first, no position but on the way, rounded.

    `known` is what the database holds of the order; it is shown where Redis holds nothing. A deleted order is null in
    its last frame; one that only left Redis stays as it was shown. The ETA comes from the position that the same
    frame shows, so that both always agree.
    """

    def __init__(self, order_id: str, known: bytes | None = None, sight: Sight = SIGHT) -> None:
        self.order_id = order_id
        self.known = known
        self.sight = sight
        self.order: TrackedOrder | None = None
        self.position: TrackedPosition | None = None
        self._order_rev = self._position_rev = -1
        self._sent: dict[str, Any] = {}
        self._wanted: Id | None = None

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str]:
        if kind == ORDERS:
            return [self.order_id]
        value = sofar.values.get((ORDERS, self.order_id))
        courier = courier_shown(self._seen(value) if value else self.order)
        return [courier] if kind == COURIERS and courier else []

    def concerns(self, part: Part) -> bool:
        if (ORDERS, self.order_id) in part.values:
            return True
        courier = courier_shown(self.order)
        return courier is not None and (COURIERS, courier) in part.values

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        """A snapshot takes values as they come, since revs begin anew with an epoch; a delta only newer ones."""
        snapshot = held is None
        self._wanted = None
        fresh = snapshot and (ORDERS, self.order_id) in part.values
        shown = None if fresh else courier_shown(self.order)
        self._take_order(part.values.get((ORDERS, self.order_id)), snapshot)
        courier = courier_shown(self.order)
        if courier is None or courier != shown:
            self.position, self._position_rev = None, -1
        if courier is not None:
            self._take_position(part.values.get((COURIERS, courier)), snapshot)
            if courier != shown and (COURIERS, courier) not in part.values:
                self._wanted = (COURIERS, courier)
        return self._body(snapshot)

    def wants(self) -> Sequence[Id]:
        return () if self._wanted is None else (self._wanted,)

    def _seen(self, value: Value) -> TrackedOrder | None:
        order: TrackedOrder | None = _read(order_decoder, value.data if value.data is not None else self.known)
        return order

    def _take_order(self, value: Value | None, snapshot: bool) -> None:
        if value is None or not (snapshot or value.rev > self._order_rev):
            return
        self._order_rev = value.rev
        if value.data is not None or (snapshot and self.order is None):
            self.order = self._seen(value)

    def _take_position(self, value: Value | None, snapshot: bool) -> None:
        if value is None or not (snapshot or value.rev > self._position_rev):
            return
        self._position_rev = value.rev
        self.position = _read(position_decoder, value.data)

    def _body(self, snapshot: bool) -> dict[str, Any] | None:
        """The whole of it, or what differs from what this viewer was last sent."""
        since = self.order.carried_since if self.order else 0
        facts: dict[str, Any] = {
            "order": public_order(self.order, self.position, self.sight),
            "position": public_position(self.position, since, self.sight),
        }
        body = {name: what for name, what in facts.items() if snapshot or what != self._sent.get(name)}
        self._sent = facts
        # The ETA comes from both, so that an order is newer where only its courier moved.
        revs = {"order": max(self._order_rev, self._position_rev), "position": self._position_rev}
        return {name: what and what | {"rev": revs[name]} for name, what in body.items()} or None


def _read(decoder: json.Decoder[Any], data: bytes | None) -> Any:
    """A value in its typed form; None for none, and for one that is not ours."""
    try:
        return decoder.decode(data) if data is not None else None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _shown(what: Struct, always: dict[str, Any], rev: int) -> dict[str, Any]:
    shown: dict[str, Any] = to_builtins(what) | always
    shown["rev"] = rev
    return shown
