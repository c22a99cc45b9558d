"""Changes by staff: the row, its event and the record that is to be published, in one transaction.

Each change gets a stamp that is newer than everything known of what it changes, so that it wins over what is still on
its way, and goes through the same merge as the record that comes back from Kafka. Nothing here waits for Kafka.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import archive, positions, state, steps, webhooks, whereabouts
from orders.events import LocationEvent, OrderEvent
from orders.facts import FINISHED, MAX_ID, MAX_NAME, STATUSES, OrderFacts, facts_of, identifier, plain
from orders.models import Courier, Order, Position, TrackingLink, milliseconds, outlives_order
from orders.positions import COURIERS
from orders.state import ORDERS, OrderState
from orders.tuning import rules
from orders.whereabouts import STAFF
from realtime.api import Stamp, log_about, peek, publish

logger = logging.getLogger(__name__)

ORDER_TOPIC, LOCATION_TOPIC = "order-updates", "location-updates"
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class OrderExists(ValueError):
    """There is an order of this id already."""


class Conflict(ValueError):
    """Fields that somebody else changed since the asker saw them: by their names in JSON, the values they have now."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        super().__init__(f"Meanwhile somebody else changed {', '.join(values)}.")


@transaction.atomic
def change_order(
    order_id: str, fields: Mapping[str, Any], by: str, now: int | None = None, *, source: str = "",
    seen: Mapping[str, Any] | None = None,
) -> Order:  # fmt: skip
    """Changes the fields named (as in JSON, None empties one) and returns the order; raises Order.DoesNotExist.

    `by` is the user's name, `source` where they said it, `now` Unix ms. Raises ValueError for a value that the topic
    would not take and for an empty status, StepRefused for a status that may not follow, Conflict where a field is no
    longer as `seen`.
    """
    if fields.get("status", "") is None:
        raise ValueError(f"status is empty; it takes one of {', '.join(STATUSES)}")
    facts = facts_of(dict(fields))
    row, held = examine(order_id, facts, seen or {})
    return _say(row, held, facts, by, source, now)


def examine(order_id: str, facts: OrderFacts, seen: Mapping[str, Any]) -> tuple[Order, OrderState]:
    """The locked row of an order and what is known of it, if these facts may be said of it; see `change_order`.

    Must be called in a transaction.
    """
    row, held = _locked(order_id)
    if isinstance(facts.status, str):
        steps.check(held.status, facts.status)
    said, now = plain(facts), state.facts(held)
    changed = {name: now[name] for name in said if name in seen and now[name] not in (seen[name], said[name])}
    if changed:
        raise Conflict(changed)
    return row, held


@transaction.atomic
def create_order(
    fields: Mapping[str, Any], by: str, order_id: str = "", now: int | None = None, *, source: str = ""
) -> Order:
    """A new order, with an id of its own where none is given. An id that was deleted comes to life again, empty.

    Raises OrderExists where there is such an order, ValueError for a value that the topic would not take.
    """
    said = {"status": "Placed"} | {name: value for name, value in fields.items() if value is not None}
    order_id = identifier(order_id, "orderId", MAX_ID, "missing_order_id") if order_id else new_order_id()
    row, made = Order.objects.select_for_update().get_or_create(pk=order_id)
    held = known(row)
    if not held.deleted and (held.stamps or not made):
        raise OrderExists(f"There is an order {order_id} already.")
    if held.deleted:
        said["deleted"] = False
    return _say(row, held, facts_of(said), by, source, now)


@transaction.atomic
def delete_order(order_id: str, by: str, now: int | None = None, *, source: str = "") -> None:
    """Leaves a tombstone without personal data, and revokes the order's links; raises Order.DoesNotExist."""
    row, held = _locked(order_id)
    _say(row, held, OrderFacts(deleted=True), by, source, now)


def known(row: Order) -> OrderState:
    """An order as its row and Redis know it together: either may be ahead of the other."""
    value = peek((ORDERS, row.pk))
    return state.merge(row.state(), state.decode(row.pk, value)) if value else row.state()


@transaction.atomic
def move(name: str, lat: float, lng: float, by: str, source: str = STAFF, now: int | None = None) -> Position:
    """Says where a courier or (with `source` of positions.PLACE) a place is; raises ValueError off the Earth."""
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):
        raise ValueError(f"{lat}, {lng} is no latitude and longitude")
    name = identifier(name, "name", MAX_NAME, "missing_name")
    row, _ = Position.objects.select_for_update().get_or_create(pk=name, defaults={"lat": lat, "lng": lng})
    redis = whereabouts.decode(peek((COURIERS, name)))
    time = _after(now, row.timestamp, redis.timestamp if redis else 0)
    fix = LocationEvent("", name, Stamp(time), lat, lng, source=source)
    moved = positions.fold(row.state() if row.stamp else None, fix, rules())
    if moved is not None:
        row.take(moved)
    row.save()
    publish(LOCATION_TOPIC, name, {"name": name, "lat": lat, "lng": lng, "timestamp": time, "source": source})
    return row


def tracking_link(order_id: str) -> TrackingLink:
    """The order's link, made where there is none that works; raises Order.DoesNotExist.

    An order that only Redis knows yet gets its row: the archive's merge will find nothing new in it. A link to an order
    that is over for long is made to work for another day.
    """
    with transaction.atomic():
        row = Order.objects.select_for_update().filter(pk=order_id).first() or _from_redis(order_id)
        if row.deleted:
            raise Order.DoesNotExist(f"{order_id} was deleted")
        for link in row.links.filter(revoked_at=None):
            if link.opens():
                return link
        link = TrackingLink(order=row)
        if not link.opens():
            link.expires_at = timezone.now() + outlives_order()
        link.save()
        return link


def revoke_links(order_id: str) -> None:
    """Ends every link of an order at once."""
    TrackingLink.objects.filter(order_id=order_id, revoked_at=None).update(revoked_at=timezone.now())


def new_order_id() -> str:
    """An id that no order has: five of 32 letters and digits that cannot be mistaken for each other."""
    while True:
        order_id = "ORD-" + "".join(secrets.choice(ALPHABET) for _ in range(5))
        if not Order.objects.filter(pk=order_id).exists():
            return order_id


def active_couriers() -> list[str]:
    return list(Courier.objects.filter(active=True).values_list("name", flat=True))


def open_orders(courier: str) -> int:
    """How many orders a courier has that are not over."""
    return Order.objects.filter(courier=courier, deleted=False).exclude(status__in=FINISHED).count()


def _locked(order_id: str) -> tuple[Order, OrderState]:
    row = Order.objects.select_for_update().get(pk=order_id)
    held = known(row)
    if held.deleted:
        raise Order.DoesNotExist(f"{order_id} was deleted")
    return row, held


def _say(row: Order, held: OrderState, facts: OrderFacts, by: str, source: str, now: int | None) -> Order:
    """Merges facts into a locked row, publishes them and keeps the event."""
    with log_about(order_id=row.pk):
        logger.info("Order %s: %s", row.pk, ", ".join(plain(facts)))
        return _merge(row, held, facts, by, source, now)


def _merge(row: Order, held: OrderState, facts: OrderFacts, by: str, source: str, now: int | None) -> Order:
    was = row.state()
    stamp = Stamp(_after(now, held.timestamp))
    state.apply(held, facts, stamp)
    row.take(held)
    row.save()
    who = {name: value for name, value in (("by", by), ("source", source)) if value}
    said = {"orderId": row.pk, **plain(facts), **who, "timestamp": stamp.time}
    event = OrderEvent(publish(ORDER_TOPIC, row.pk, said), row.pk, stamp, facts, ORDER_TOPIC, source, by)
    webhooks.announce(archive.status_change(event, was.status, held))
    if held.wiped is not None and held.wiped != was.wiped:
        archive.scrub({row.pk: held.wiped})
    archive.event_row(event, held.wiped).save()
    return row


def _after(now: int | None, *known: int) -> int:
    """A time in ms, now or just after the newest that is known."""
    return max(milliseconds(timezone.now()) if now is None else now, max(known) + 1)


def _from_redis(order_id: str) -> Order:
    value = peek((ORDERS, order_id))
    if value is None:
        raise Order.DoesNotExist(f"there is no order {order_id}")
    row, _ = Order.objects.select_for_update().get_or_create(pk=order_id)
    row.take(state.merge(row.state(), state.decode(order_id, value)))
    row.save()
    return row
