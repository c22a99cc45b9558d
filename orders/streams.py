"""The two streams of the app and what can be watched of them."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from orders.archive import archive_orders, archive_positions, load, restore_orders, restore_positions
from orders.courier import COURIER_VIEW
from orders.events import decode_location, decode_order
from orders.lens import StaffLens, TrackLens
from orders.models import TrackingLink
from orders.positions import COURIERS, join_positions, location_keys, reduce_locations
from orders.selection import BadFilter, read_filter
from orders.state import ORDERS, TIMELINE, encode, join_orders, order_keys, reduce_orders
from orders.tuning import keep_ms, rules, sight
from realtime.api import FORBIDDEN, NOT_FOUND, NOT_UNDERSTOOD, SIGNED_OUT, Denied, Lens, Stream, View

TOKEN = re.compile(r"[A-Za-z0-9_-]{22,64}")


def open_orders(user: Any, argument: str, params: Mapping[str, str]) -> Lens | Denied:
    """All orders, or those that were asked for, for staff."""
    if user is None or not user.is_authenticated:
        return Denied(SIGNED_OUT, "Sign in to see the orders.")
    if not user.is_active or not user.is_staff:
        return Denied(FORBIDDEN, "The orders are for staff.")
    try:
        return StaffLens(read_filter(params))
    except BadFilter as error:
        return Denied(NOT_UNDERSTOOD, str(error))


def open_track(user: Any, argument: str, params: Mapping[str, str]) -> Lens | Denied:
    """One order, for whoever holds its link."""
    link = find_link(argument)
    if link is None:
        return Denied(NOT_FOUND, "This link shows no order, or no longer.")
    return TrackLens(link.order_id, known=encode(link.order.state()), sight=sight())


def find_link(token: str) -> TrackingLink | None:
    """The link of a token, if it still shows its order."""
    if not TOKEN.fullmatch(token):
        return None
    link = TrackingLink.objects.select_related("order").filter(token=token).first()
    return link if link is not None and link.opens() else None


def order_of(lens: TrackLens) -> str:
    return lens.order_id


ORDERS_VIEW = View("orders", "orders", open_orders, kinds=(ORDERS, COURIERS))
TRACK_VIEW = View("track", "orders", open_track, kinds=(ORDERS, COURIERS), takes_argument=True, subject=order_of)

ORDER_UPDATES = Stream(
    topic="order-updates",
    decode=decode_order,
    keys=order_keys,
    reduce=partial(reduce_orders, keep_ms=keep_ms()),
    views=(ORDERS_VIEW, TRACK_VIEW, COURIER_VIEW),
    load=load,
    join=partial(join_orders, keep_ms=keep_ms()),
    archive=archive_orders,
    restore=restore_orders,
    owns=(f"{TIMELINE}*",),
)

LOCATION_UPDATES = Stream(
    topic="location-updates",
    decode=decode_location,
    keys=location_keys,
    reduce=partial(reduce_locations, rules=rules()),
    views=(ORDERS_VIEW, TRACK_VIEW, COURIER_VIEW),
    load=load,
    join=join_positions,
    archive=archive_positions,
    restore=restore_positions,
)
