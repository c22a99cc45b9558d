"""What can be said of an order, and the one form of each value (pure)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, convert, to_builtins

from orders.complaints import Bad, short
from realtime.api import millis

STATUSES = (
    "Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered",
    "Cancelled", "Returned", "Failed attempt",
)  # fmt: skip
FINISHED = frozenset({"Delivered", "Cancelled", "Returned"})
OUT_FOR_DELIVERY = "Out for delivery"
YEAR_2000, YEAR_2100 = 946_684_800_000, 4_102_444_800_000
MAX_ID, MAX_NAME = 64, 100

_CANONICAL = {status.casefold(): status for status in STATUSES}

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Line = Annotated[str, Meta(max_length=200)]
Note = Annotated[str, Meta(max_length=1000)]
Items = Annotated[list[Line], Meta(max_length=100)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Time = int | float | str


class Place(Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Where an order goes to."""

    name: Line | None = None
    lat: Latitude
    lng: Longitude


class OrderFacts(Struct, rename="camel", kw_only=True):
    """What an event says of an order. UNSET: nothing; None: that the field is empty from now on.

    A status or `deleted` of null says nothing. After `tidy` the times are Unix ms.
    """

    customer_name: Line | UnsetType | None = UNSET
    items: Items | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET
    public_note: Note | UnsetType | None = UNSET
    courier: Name | UnsetType | None = UNSET
    eta: Time | UnsetType | None = UNSET
    due: Time | UnsetType | None = UNSET
    destination: Place | UnsetType | None = UNSET
    deleted: bool | UnsetType | None = UNSET


FIELDS = OrderFacts.__struct_fields__
NAMES = dict(zip(FIELDS, OrderFacts.__struct_encode_fields__, strict=True))
"""The name in JSON of each field."""
_TEXTS = ("customer_name", "note", "public_note", "courier")
_TIMES = ("eta", "due")


def facts_of(said: dict[str, Any]) -> OrderFacts:
    """The facts that JSON names and values say, by the rules of the topic. Raises ValueError, naming what is wrong."""
    facts = convert(said, OrderFacts)
    tidy(facts)
    return facts


def plain(facts: OrderFacts) -> dict[str, Any]:
    """The facts as JSON names and values: what `order-updates` carries beside orderId and timestamp."""
    built: dict[str, Any] = to_builtins(facts)
    return built


def tidy(facts: OrderFacts) -> None:
    """Brings values into their one form: canonical status, stripped texts, empty ones None, times in ms."""
    if isinstance(facts.status, str):
        facts.status = _status(facts.status)
    elif facts.status is None:
        facts.status = UNSET
    if facts.deleted is None:
        facts.deleted = UNSET
    for name in _TEXTS:
        value = getattr(facts, name)
        if value:
            setattr(facts, name, text(value, NAMES[name]))
        elif value == "":
            setattr(facts, name, None)
    for name in _TIMES:
        value = getattr(facts, name)
        if value is not UNSET and value is not None:
            setattr(facts, name, _moment(value, name))
    if facts.items is not UNSET and facts.items is not None:
        facts.items = [item for item in (text(item, "items") for item in facts.items) if item] or None
    if isinstance(facts.destination, Place) and facts.destination.name is not None:
        to = facts.destination
        facts.destination = Place(name=text(facts.destination.name, "destination.name"), lat=to.lat, lng=to.lng)


def identifier(value: str, name: str, longest: int, missing: str) -> str:
    """An id as it stands, if it is one: printable, not empty, without space around it."""
    if not value:
        raise Bad(missing, f"{name} is empty")
    if len(value) > longest or not value.isprintable() or value != value.strip():
        raise Bad("bad_field", f"{name} is {short(value)}; it takes 1 to {longest} printable characters")
    return value


def _moment(value: Time, name: str) -> int:
    try:
        time = millis(value)
    except (ValueError, OverflowError):
        raise Bad("bad_timestamp", f"{name} is {short(value)}; it takes Unix ms or ISO 8601") from None
    if not YEAR_2000 <= time < YEAR_2100:
        raise Bad("bad_timestamp", f"{name} is {short(value)}; it lies outside of 2000 to 2099")
    return time


def _status(value: str) -> str:
    status = value if value in STATUSES else _CANONICAL.get(value.strip().casefold())
    if status is None:
        raise Bad("unknown_status", f"status is {short(value)}; it takes one of {', '.join(STATUSES)}")
    return status


def text(value: str | None, name: str) -> str | None:
    if value is None:
        return None
    if "\0" in value:
        raise Bad("bad_field", f"{name} is {short(value)}; a NUL cannot be kept")
    return value.strip() or None
