"""What the public sees of an order and of its courier's position, as lists of what is allowed (pure)."""

from typing import Any

from msgspec import Struct, json, to_builtins

from orders.eta import RULES, EtaRules, Road, expected, no_road
from orders.facts import OUT_FOR_DELIVERY, Place
from orders.geo import on_grid
from orders.whereabouts import Point

GRID_M = 50
"""The public sees a courier's position to so many metres."""
TRAIL_MS = 300_000
"""The public sees no more of a trail than this, however long staff keep it."""


class TrackedOrder(Struct, rename="camel", kw_only=True):
    """What of an order's value decides what its customer sees."""

    order_id: str
    status: str | None = None
    public_note: str | None = None
    courier: str | None = None
    eta: int | None = None
    destination: Place | None = None
    deleted: bool = False
    times: dict[str, int] = {}
    stamps: dict[str, tuple[int, int, int]] = {}

    @property
    def carried_since(self) -> int:
        """Since when this courier has been out with it (Unix ms): what it passed before is nobody's to see."""
        assigned = self.stamps.get("courier", (0, 0, 0))[0]
        return max(self.times.get(OUT_FOR_DELIVERY, 0), assigned)


class TrackedPosition(Struct, rename="camel", kw_only=True):
    """What of a position's value decides what a customer sees of it."""

    name: str
    lat: float
    lng: float
    timestamp: int = 0
    heading: float | None = None
    accuracy: float | None = None
    pace: float | None = None
    trail: list[Point] = []


order_decoder, position_decoder = json.Decoder(TrackedOrder), json.Decoder(TrackedPosition)


class Sight(Struct, frozen=True):
    """By what settings the public sees: the grid of positions in metres, the ETA's rules, who knows the roads."""

    grid_m: float = GRID_M
    eta: EtaRules = RULES
    road: Road = no_road


SIGHT = Sight()


def courier_shown(order: TrackedOrder | None) -> str | None:
    """Whose position the order's customer may see: its courier's, while it is out for delivery."""
    if order is None or order.deleted or order.status != OUT_FOR_DELIVERY:
        return None
    return order.courier


def public_order(
    order: TrackedOrder | None, position: TrackedPosition | None = None, sight: Sight = SIGHT
) -> dict[str, Any] | None:
    """An order as its customer sees it; None for a deleted one. `position` is its courier's, where it may be seen."""
    if order is None or order.deleted:
        return None
    shown: dict[str, Any] = {"status": order.status, "times": order.times}
    if order.public_note:
        shown["publicNote"] = order.public_note
    eta = expected(order.eta, order.destination, position, sight.eta, sight.road)
    if eta is not None:
        shown["eta"] = eta
    if order.courier:
        shown["courier"] = order.courier.split()[0]
    if order.destination is not None:
        shown["destination"] = to_builtins(order.destination)
    return shown


def public_position(position: TrackedPosition | None, since: int = 0, sight: Sight = SIGHT) -> dict[str, Any] | None:
    """A courier's position as a customer sees it, on the grid; its accuracy is no better than the grid's.

    The trail are the cells that it passed in the last 5 minutes and not before `since` (Unix ms), the oldest first.
    """
    if position is None:
        return None
    lat, lng = on_grid(position.lat, position.lng, sight.grid_m)
    accuracy = max(round(sight.grid_m), round(position.accuracy or 0))
    shown: dict[str, Any] = {"lat": lat, "lng": lng, "timestamp": position.timestamp, "accuracy": accuracy}
    if position.heading is not None:
        shown["heading"] = round(position.heading) % 360
    if trail := _trail(position, max(since, position.timestamp - TRAIL_MS), sight.grid_m):
        shown["trail"] = trail
    return shown


def _trail(position: TrackedPosition, since: int, grid_m: float) -> list[list[float]]:
    cells: list[list[float]] = []
    for point in position.trail:
        if since <= point.time <= position.timestamp:
            lat, lng = on_grid(point.lat, point.lng, grid_m)
            if not cells or cells[-1][1:] != [lat, lng]:
                cells.append([point.time, lat, lng])
    return cells
