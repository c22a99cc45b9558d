"""What goes into the API of orders and comes out of it."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from orders.steps import STEPS


class PlaceIn(Schema, extra="forbid"):
    name: str | None = None
    lat: float
    lng: float


class OrderPatch(Schema, extra="forbid"):
    """What is left out stays as it is; null empties a field. Times are Unix ms or ISO 8601."""

    status: str | None = Field(None, examples=list(STEPS))
    customerName: str | None = None
    items: list[str] | None = None
    note: str | None = Field(None, description="for staff only")
    publicNote: str | None = Field(None, description="the customer reads this")
    courier: str | None = None
    eta: int | str | None = None
    due: int | str | None = None
    destination: PlaceIn | None = None


class OrderIn(OrderPatch, extra="forbid"):
    orderId: str = Field("", max_length=64, description="empty: one is made")


class PlaceOut(Schema):
    name: str | None = None
    lat: float
    lng: float


class OrderOut(Schema):
    """An order as staff see it; times are Unix ms."""

    orderId: str
    status: str | None
    customerName: str | None
    items: list[str] | None
    note: str | None
    publicNote: str | None
    courier: str | None
    eta: int | None
    due: int | None
    destination: PlaceOut | None
    times: dict[str, int]
    timestamp: int


class Orders(Schema):
    orders: list[OrderOut]
    next: str | None = Field(None, description="the `cursor` of the next page; null at the end")


class Step(Schema):
    id: str
    time: int
    status: str | None
    irregular: bool
    by: str
    source: str
    said: dict[str, Any]


class Problem(Schema):
    detail: str


class Refused(Problem):
    """A step that may not follow, and those that may."""

    status: str
    allowed: list[str]


class CourierOut(Schema):
    """A courier with its last position, where there is one; speed in m/s."""

    name: str
    active: bool
    openOrders: int
    position: dict[str, Any] | None


class Link(Schema):
    id: int
    url: str
    opens: bool
    expiresAt: datetime | None
    revokedAt: datetime | None


class Asked(Schema):
    status: str = ""
    courier: str = ""
    cursor: str = ""
    limit: int = Field(50, ge=1, le=500)
