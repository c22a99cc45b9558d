"""What a courier sees of the orders: its own that are open, as a list of what is allowed (pure)."""

from collections.abc import Sequence
from typing import Any

from msgspec import DecodeError, Struct, json, to_builtins

from orders.facts import FINISHED, Place
from orders.state import ORDERS
from realtime.api import Id, Kind, Lens, Part, Value


class CourierOrder(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What a courier sees of an order it carries; the other fields stay on the server."""

    order_id: str
    status: str | None = None
    customer_name: str | None = None
    items: list[str] | None = None
    destination: Place | None = None
    due: int | None = None
    note: str | None = None
    public_note: str | None = None


class _Held(CourierOrder, kw_only=True):
    """With what decides whose it is."""

    courier: str | None = None
    deleted: bool = False


_decoder = json.Decoder(_Held)


class CourierLens(Lens):
    """The open orders of one courier. An order that is over, or somebody else's from now on, is `removed`."""

    def __init__(self, courier: str) -> None:
        self.courier = courier
        # A snapshot goes through all orders: most are told to be somebody else's without being decoded.
        self._named = json.encode(courier)
        self._shown: dict[str, int] = {}

    def restart(self) -> None:
        self._shown.clear()

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str] | None:
        return None if kind == ORDERS else ()

    def sees(self, id: Id, value: Value) -> bool:
        return self._own(value) is not None

    def concerns(self, part: Part) -> bool:
        return any(kind == ORDERS for kind, _ in part.values)

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        snapshot = held is None
        orders: list[dict[str, Any]] = []
        removed: list[str] = []
        for (kind, id), value in part.values.items():
            if kind != ORDERS or (not snapshot and value.rev <= self._shown.get(id, -1)):
                continue
            order = self._own(value)
            if order is not None:
                self._shown[id] = value.rev
                orders.append(seen(order) | {"rev": value.rev})
            elif self._shown.pop(id, None) is not None:
                removed.append(id)
        if snapshot:
            return {"orders": orders}
        body = {"orders": orders, "removed": {"orders": removed} if removed else None}
        return {name: what for name, what in body.items() if what} or None

    def _own(self, value: Value) -> _Held | None:
        """The order in a value, if it is open and this courier's."""
        if value.data is None or self._named not in value.data:
            return None
        try:
            order = _decoder.decode(value.data)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return order if order.courier == self.courier and not order.deleted and order.status not in FINISHED else None


def seen(order: _Held) -> dict[str, Any]:
    """The allowed fields, and no others."""
    shown: dict[str, Any] = to_builtins(order)
    return {name: shown[name] for name in CourierOrder.__struct_encode_fields__ if name in shown}
