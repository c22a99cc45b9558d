"""Couriers' links, and what the database and Redis know of the orders that a courier reports on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from orders import services
from orders.courier_lens import CourierLens
from orders.models import Courier, CourierLink, Order, OrderEvent
from orders.reports import Known, Report, orders_named
from orders.state import ORDERS, decode
from realtime.api import NOT_FOUND, Denied, Lens, View, peek

TOKEN = re.compile(r"[A-Za-z0-9_-]{22,64}")


def open_courier(user: Any, argument: str, params: Mapping[str, str]) -> Lens | Denied:
    """The open orders of a courier, for whoever holds its link."""
    link = find_link(argument)
    return (
        Denied(NOT_FOUND, "This link does not work, or no longer.") if link is None else CourierLens(link.courier.name)
    )


def courier_of(lens: CourierLens) -> str:
    return lens.courier


COURIER_VIEW = View("courier", "orders", open_courier, kinds=(ORDERS,), takes_argument=True, subject=courier_of)


def find_link(token: str) -> CourierLink | None:
    """The link of a token, if it still works."""
    if not TOKEN.fullmatch(token):
        return None
    link = CourierLink.objects.select_related("courier").filter(token=token).first()
    return link if link is not None and link.opens() else None


def current_link(courier: Courier) -> CourierLink | None:
    """The newest link of a courier that works."""
    return next((link for link in courier.links.filter(revoked_at=None) if link.opens()), None)


@transaction.atomic
def new_link(courier: Courier) -> CourierLink:
    """A new link in place of those before: the token that somebody may have lost ends with it."""
    revoke_links(courier)
    return courier.links.create(expires_at=timezone.now() + CourierLink.LASTS)


def revoke_links(courier: Courier) -> int:
    """Ends every link of a courier at once; how many worked."""
    return courier.links.filter(revoked_at=None).update(revoked_at=timezone.now())


def known_of(reports: Sequence[Report], courier: str) -> dict[str, Known]:
    """What is known of the orders that reports name."""
    ids = orders_named(reports)
    rows = {row.pk: row for row in Order.objects.filter(pk__in=ids)}
    once = dict(
        OrderEvent.objects.filter(order_id__in=ids, data__courier=courier).values_list("order_id").annotate(Min("time"))
    )
    known: dict[str, Known] = {}
    for id in ids:
        value = peek((ORDERS, id))
        state = services.known(rows[id]) if id in rows else decode(id, value)
        known[id] = Known(state, 0 if state.courier == courier else once.get(id))
    return known
