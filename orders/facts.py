"""What can be said of an order, and the one form of each value (pure)."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert, to_builtins
from msgspec.structs import astuple

from orders.complaints import Bad, in_words, short
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


def said(facts: OrderFacts) -> list[tuple[str, Any]]:
    """The fields that an event says something of, each with its value."""
    return [(name, value) for name, value in zip(FIELDS, astuple(facts), strict=False) if value is not UNSET]


def facts_of(said: dict[str, Any]) -> OrderFacts:
    """The facts that JSON names and values say, by the rules of the topic. Raises ValueError, naming what is wrong."""
    try:
        facts = convert(said, OrderFacts)
    except ValidationError as error:
        raise Bad("bad_field", in_words(str(error), said)[1]) from None
    tidy(facts)
    return facts


def plain(facts: OrderFacts) -> dict[str, Any]:
    """The facts as JSON names and values: what `order-updates` carries beside orderId and timestamp."""
    return {NAMES[name]: to_builtins(value) for name, value in said(facts)}


def tidy(facts: OrderFacts) -> bool:
    """Brings values into their one form: canonical status, stripped texts, empty ones None, times in ms.

    Returns whether anything is said at all.
    """
    says = False
    for name, value in said(facts):
        tidied = _TIDY[name](value)
        if tidied is not value:
            setattr(facts, name, tidied)
        says = says or tidied is not UNSET
    return says


def identifier(value: str, name: str, longest: int, missing: str) -> str:
    """An id as it stands, if it is one: printable, not empty, without space around it."""
    if not value:
        raise Bad(missing, f"{name} is empty")
    if len(value) > longest or not value.isprintable() or value != value.strip():
        raise Bad("bad_field", f"{name} is {short(value)}; it takes 1 to {longest} printable characters")
    return value


def _moment(value: Time | None, name: str) -> int | None:
    if value is None:
        return None
    try:
        time = millis(value)
    except (ValueError, OverflowError):
        raise Bad("bad_timestamp", f"{name} is {short(value)}; it takes Unix ms or ISO 8601") from None
    if not YEAR_2000 <= time < YEAR_2100:
        raise Bad("bad_timestamp", f"{name} is {short(value)}; it lies outside of 2000 to 2099")
    return time


def _status(value: str | None) -> str | UnsetType:
    if value is None:
        return UNSET
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


def _items(items: list[str] | None) -> list[str] | None:
    return [item for item in (text(item, "items") for item in items or ()) if item] or None


def _destination(to: Place | None) -> Place | None:
    return (
        to if to is None or to.name is None else Place(name=text(to.name, "destination.name"), lat=to.lat, lng=to.lng)
    )


def _deleted(value: bool | None) -> bool | UnsetType:
    return UNSET if value is None else value


_TIDY: dict[str, Callable[[Any], Any]] = {
    **{name: partial(text, name=NAMES[name]) for name in ("customer_name", "note", "public_note", "courier")},
    **{name: partial(_moment, name=name) for name in ("eta", "due")},
    "status": _status,
    "items": _items,
    "destination": _destination,
    "deleted": _deleted,
}
