"""Which orders and couriers a member of staff asked for (pure)."""

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from orders.complaints import short
from orders.facts import MAX_ID, MAX_NAME, STATUSES

MAX_ORDERS = 500
"""So many orders can be asked for by their ids."""


class BadFilter(ValueError):
    """A parameter that says nothing: the text names it, its value and the rule."""


class Box(NamedTuple):
    """A rectangle on the map, in degrees. One whose west lies east of its east goes over the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lat: float, lng: float) -> bool:
        if not self.south <= lat <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= lng <= self.east
        return lng >= self.west or lng <= self.east


class OrderFilter(NamedTuple):
    """None and "" leave nothing out. Two filters that ask for the same are equal.

    `status` concerns orders alone. `courier`: this courier's orders, and its position. `box`: positions within it, and
    orders whose destination lies within it (one without a destination is nowhere). `orders`: these orders, by id, and
    no positions.
    """

    status: tuple[str, ...] | None = None
    courier: str = ""
    box: Box | None = None
    orders: tuple[str, ...] | None = None

    @property
    def is_open(self) -> bool:
        return self == OrderFilter()

    def sees_order(self, status: str | None, courier: str | None, at: tuple[float, float] | None) -> bool:
        """Whether an order of this status and courier that goes to `at` (latitude, longitude) is asked for."""
        if self.status is not None and status not in self.status:
            return False
        if self.courier and courier != self.courier:
            return False
        return self.box is None or (at is not None and self.box.holds(*at))

    def sees_position(self, name: str, lat: float, lng: float) -> bool:
        """Whether a courier or place at a position is asked for."""
        if self.orders is not None:
            return False
        if self.courier and name != self.courier:
            return False
        return self.box is None or self.box.holds(lat, lng)


_CANONICAL = {status.casefold(): status for status in STATUSES}


def read_filter(params: Mapping[str, str]) -> OrderFilter:
    """The filter in `status`, `courier`, `bbox` (west,south,east,north) and `orders`. Lists take commas.

    Raises BadFilter.
    """
    courier = params.get("courier", "").strip()
    if len(courier) > MAX_NAME:
        raise BadFilter(f"courier has {len(courier)} characters; at most {MAX_NAME}")
    box, orders = _box(params.get("bbox", "")), _orders(params.get("orders", ""))
    return OrderFilter(_status(params.get("status", "")), courier, box, orders)


def _orders(said: str) -> tuple[str, ...] | None:
    ids = {id for part in said.split(",") if (id := part.strip())}
    if len(ids) > MAX_ORDERS:
        raise BadFilter(f"orders names {len(ids)} ids; at most {MAX_ORDERS}")
    for id in ids:
        if len(id) > MAX_ID:
            raise BadFilter(f"orders has {short(id)}; an id has at most {MAX_ID} characters")
    return tuple(sorted(ids)) or None


def _status(said: str) -> tuple[str, ...] | None:
    named = set()
    for part in said.split(","):
        if word := part.strip():
            status = _CANONICAL.get(word.casefold())
            if status is None:
                raise BadFilter(f"status has {short(word)}; it takes {', '.join(STATUSES)}")
            named.add(status)
    return tuple(status for status in STATUSES if status in named) or None


def _box(said: str) -> Box | None:
    if not said.strip():
        return None
    try:
        box = Box(*(float(part) for part in said.split(",")))
    except (TypeError, ValueError):
        raise BadFilter(f"bbox is {short(said)}; it takes west,south,east,north in degrees") from None
    if not all(isfinite(edge) for edge in box) or not -90 <= box.south <= box.north <= 90:
        raise BadFilter(f"bbox is {short(said)}; south and north lie within -90 to 90, in this order")
    if not (-180 <= box.west <= 180 and -180 <= box.east <= 180):
        raise BadFilter(f"bbox is {short(said)}; west and east lie within -180 to 180")
    return box
