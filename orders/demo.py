"""What `make demo` starts with: places, the couriers that `simulate` drives, orders around the brief's Warehouse A."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import services
from orders.courier import current_link, new_link
from orders.fleet import NAMES
from orders.models import Courier, Order, Position, milliseconds
from orders.whereabouts import PLACE

BY = "demo"
FOLLOWED = "ORD-49915"
YOU = "You"
"""A courier whom nobody simulates: its page is for whoever tries the demo on a phone."""
HOUR, STEP_MS = 3_600_000, 9 * 60_000
PATH = ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered")
PLACES = {
    "Warehouse A": (13.0827, 80.2707),
    "Warehouse B": (13.06778, 80.25105),
    "Harbour Depot": (13.08825, 80.28979),
}
COURIERS = {"Asha": (13.0798, 80.2655), "Ravi": (13.0861, 80.2782), "Meena": (13.0725, 80.2611)}
ORDERS: dict[str, dict[str, Any]] = {
    "ORD-49915": {"customerName": "Ines", "items": ["Desk lamp"], "courier": "Asha", "due": 1,
                  "status": "Out for delivery", "eta": 0.4, "destination": ("14 Hill Street", 13.0774, 80.2616)},
    "ORD-J7818": {"customerName": "Sandeep", "items": ["a", "b"], "status": "Packed", "due": 2,
                  "destination": ("3 Temple Road", 13.0936, 80.2741)},
    "ORD-50007": {"customerName": "Fatima", "items": ["Steel bottle"], "courier": "Ravi", "due": 1.5,
                  "status": "Shipped", "destination": ("Pier 2", 13.0889, 80.2871)},
    "ORD-50013": {"customerName": "Aya", "items": ["Headphones", "Umbrella"], "status": "Confirmed", "due": 4,
                  "destination": ("Lake View 8", 13.0691, 80.2568)},
    "ORD-50019": {"customerName": "Olu", "items": ["Cotton bedsheet"], "status": "Placed", "due": 5,
                  "note": "Paid on delivery.", "publicNote": "We call before we come.",
                  "destination": ("21 Market Lane", 13.0702, 80.2739)},
    "ORD-50021": {"customerName": "Tomás", "items": ["Running shoes"], "courier": YOU, "due": 1.2,
                  "status": "Packed", "note": "Paid on delivery.", "publicNote": "The bell is on the left.",
                  "destination": ("9 Garden Street", 13.0758, 80.2654)},
    "ORD-50022": {"customerName": "Wei", "items": ["Umbrella", "Desk lamp"], "courier": YOU, "due": 2.5,
                  "status": "Shipped", "destination": ("Flat 4, Beach Road 30", 13.0841, 80.2853)},
    "ORD-49901": {"customerName": "Nora", "items": ["Filter coffee 500 g"], "courier": "Asha",
                  "status": "Delivered", "destination": ("5 Station Road", 13.0846, 80.2729)},
}  # fmt: skip


@transaction.atomic
def seed() -> dict[str, str]:
    """Makes what is missing, through the services, so that Kafka is told; what is there stays as it is.

    Returns what to open: paths, with what they show.
    """
    now = milliseconds(timezone.now())
    for name, (lat, lng) in PLACES.items():
        if not Position.objects.filter(pk=name).exists():
            services.move(name, lat, lng, BY, source=PLACE)
    for name in (*NAMES, YOU):
        _, made = Courier.objects.get_or_create(name=name)
        if made and name in COURIERS:
            services.move(name, *COURIERS[name], BY)
    for order_id, about in ORDERS.items():
        if not Order.objects.filter(pk=order_id).exists():
            _tell(order_id, _facts(about, now), now)
    pages = {"/orders/": "all orders and couriers on a map"}
    if Order.objects.filter(pk=FOLLOWED, deleted=False).exists():
        pages[f"/track/{services.tracking_link(FOLLOWED).token}/"] = f"what a customer sees of {FOLLOWED}"
    you = Courier.objects.get(name=YOU)
    if you.active:
        pages[f"/courier/{(current_link(you) or new_link(you)).token}/"] = "a courier's page: take an order to its door"
    return pages


def _tell(order_id: str, facts: dict[str, Any], now: int) -> None:
    """Makes an order with the steps that brought it to its status, some minutes apart."""
    steps = PATH[: PATH.index(facts["status"]) + 1]
    start = now - STEP_MS * len(steps)
    services.create_order(facts | {"status": steps[0]}, BY, order_id, now=start)
    for number, status in enumerate(steps[1:], 1):
        services.change_order(order_id, {"status": status}, BY, now=start + number * STEP_MS)


def _facts(about: dict[str, Any], now: int) -> dict[str, Any]:
    """The facts of a demo order: hours from now become times, a destination its JSON."""
    name, lat, lng = about["destination"]
    times = {key: now + round(about[key] * HOUR) for key in ("eta", "due") if key in about}
    return about | times | {"destination": {"name": name, "lat": lat, "lng": lng}}
