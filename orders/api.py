"""The JSON API of orders, couriers and tracking links, for staff and for keys; and one order for who holds its link."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from msgspec import ValidationError
from ninja import Query, Router, Status
from ninja.errors import HttpError

from orders import archive, services, state, whereabouts
from orders.idempotency import answered, remember
from orders.models import Courier, Order, TrackingLink
from orders.pages import Page, cut, page_of
from orders.positions import COURIERS
from orders.schemas import Asked, CourierOut, Link, OrderIn, OrderOut, OrderPatch, Orders, Problem, Refused, Step
from orders.selection import read_filter
from orders.services import OrderExists
from orders.state import ORDERS, OrderState
from orders.steps import StepRefused, irregular
from orders.streams import find_link
from orders.views import track_frame
from realtime.api import Id, KeyAuth, KeyHolder, SessionAuth, client_address, limited, peek

API = "api"
CACHE_S = 60
"""How long a row that Redis's state lacks is kept beside it."""
TRACKS = "240/minute"
"""How often one address may ask for tracked orders."""


MAX_KEY = 200
ONCE = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "schema": {"type": "string", "maxLength": MAX_KEY},
        }
    ]
}


class StaffSession(SessionAuth):
    """Staff who are signed in."""

    def refusal(self, user: Any) -> str:
        return "" if user.is_active and user.is_staff else "The API is for staff."


class ApiKey(KeyAuth):
    """Keys for the scope `api`; a key that speaks for one courier may not speak of all orders."""

    def __call__(self, request: HttpRequest) -> Any:
        holder: KeyHolder | None = super().__call__(request)
        if holder is not None and holder.bound_to:
            raise HttpError(403, f"The key {holder.name!r} speaks for {holder.bound_to!r} alone.")
        return holder and holder.name


router = Router(tags=["orders"], auth=[ApiKey(API), StaffSession()])
public = Router(tags=["tracking"])


def shown(held: OrderState) -> dict[str, Any]:
    return {"orderId": held.order_id, **state.facts(held), "times": held.times, "timestamp": held.timestamp}


def answers_in_words(view: Callable[..., Any]) -> Callable[..., Any]:
    """What the services refuse becomes 404, 409 or 422, with the rule in words."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except Order.DoesNotExist:
            raise HttpError(404, "There is no such order.") from None
        except StepRefused as refused:
            told = {"detail": str(refused), "status": refused.now, "allowed": list(refused.allowed)}
            return Status(409, told)
        except OrderExists as error:
            raise HttpError(409, str(error)) from None
        except (ValueError, ValidationError) as error:
            raise HttpError(422, str(error)) from None

    return guarded


# --- orders -----------------------------------------------------------------------------------------------------------


@router.get("/orders", response={200: Orders, 422: Problem})
@answers_in_words
def list_orders(request: HttpRequest, response: HttpResponse, asked: Query[Asked]) -> Any:
    """Orders that are not deleted, the newest change first; `next` is the cursor of the next page."""
    page = Page.read(asked.cursor)
    if page is None:
        raise HttpError(422, f"cursor is {asked.cursor[:80]!r}; it takes the `next` of an answer.")
    wanted, among = read_filter({"status": asked.status}).status, Order.objects.filter(deleted=False)
    if wanted is not None:
        among = among.filter(status__in=wanted)
    if asked.courier:
        among = among.filter(courier=asked.courier)
    rows = page_of(among, page, asked.limit)
    orders, onward = cut([row.state() for row in rows], asked.limit)
    response["X-Cache"] = "miss"
    return {"orders": [shown(order) for order in orders], "next": onward}


@router.post("/orders", response={201: OrderOut, 200: OrderOut, 409: Problem, 422: Problem}, openapi_extra=ONCE)
@answers_in_words
def create_order(request: HttpRequest, said: OrderIn) -> Any:
    """Makes an order. With an Idempotency-Key the same request again, within a day, gives the same order (200)."""
    fields = said.model_dump(exclude_unset=True)
    order_id = fields.pop("orderId", "")
    key, digest = request.headers.get("Idempotency-Key", ""), sha256(request.body).hexdigest()
    if len(key) > MAX_KEY:
        raise HttpError(422, f"The Idempotency-Key has {len(key)} characters; it takes at most {MAX_KEY}.")
    with transaction.atomic():
        if key and (earlier := answered(who(request), key, digest)):
            return Status(200, shown(made_before(earlier)))
        order = services.create_order(fields, who(request), order_id, source=API)
        if key:
            remember(who(request), key, order)
    return Status(201, shown(order.state()))


@router.get("/orders/{path:order_id}/timeline", response=list[Step])
@answers_in_words
def read_timeline(request: HttpRequest, order_id: str) -> Any:
    """What happened to an order, the newest first; a step that nobody foresaw is irregular."""
    order = Order.objects.get(pk=order_id, deleted=False)
    events = list(order.events.all())
    odd = set(irregular((event.pk, event.reached) for event in events if event.status))
    return [
        {"id": event.event_id, "time": event.time, "status": event.status or None, "irregular": event.pk in odd,
         "by": event.by, "source": event.origin, "said": event.data}
        for event in events
    ]  # fmt: skip


@router.post("/orders/{path:order_id}/links", response={201: Link})
@answers_in_words
def make_link(request: HttpRequest, order_id: str) -> Any:
    """The order's tracking link, made where there is none that works."""
    return Status(201, told(request, services.tracking_link(order_id)))


@router.get("/orders/{path:order_id}/links", response=list[Link])
@answers_in_words
def list_links(request: HttpRequest, order_id: str) -> Any:
    """All links of an order that were made, the newest first."""
    return [told(request, link) for link in Order.objects.get(pk=order_id, deleted=False).links.all()]


@router.delete("/orders/{path:order_id}/links/{int:link_id}", response={204: None})
@answers_in_words
def revoke_link(request: HttpRequest, order_id: str, link_id: int) -> Any:
    """Ends a link at once."""
    links = TrackingLink.objects.filter(pk=link_id, order_id=order_id)
    if not links.exists():
        raise HttpError(404, "There is no such link.")
    links.filter(revoked_at=None).update(revoked_at=timezone.now())
    return Status(204, None)


@router.get("/orders/{path:order_id}", response=OrderOut)
def read_order(request: HttpRequest, response: HttpResponse, order_id: str) -> Any:
    """An order as it is now: from Redis (`X-Cache: hit`), else from the database."""
    value, hit = read((ORDERS, order_id))
    held = state.decode(order_id, value) if value else None
    if held is None or held.deleted:
        raise HttpError(404, "There is no such order.")
    response["X-Cache"] = "hit" if hit else "miss"
    return shown(held)


@router.patch("/orders/{path:order_id}", response={200: OrderOut, 409: Refused, 422: Problem})
@answers_in_words
def change_order(request: HttpRequest, order_id: str, said: OrderPatch) -> Any:
    """Changes the fields that are given. 409: the status may not follow; `allowed` may."""
    fields = said.model_dump(exclude_unset=True)
    if not fields:
        raise HttpError(422, "There is nothing to change: give at least one field.")
    return shown(services.change_order(order_id, fields, who(request), source=API).state())


# --- couriers and tracking --------------------------------------------------------------------------------------------


@router.get("/couriers", response=list[CourierOut])
def list_couriers(request: HttpRequest) -> Any:
    """All couriers by name, with what Redis knows of where they are."""
    return [courier_told(courier) for courier in Courier.objects.all()]


@router.get("/couriers/{path:name}", response=CourierOut)
def read_courier(request: HttpRequest, response: HttpResponse, name: str) -> Any:
    """A courier and where it is."""
    courier = Courier.objects.filter(name=name).first()
    if courier is None:
        raise HttpError(404, "There is no such courier.")
    response["X-Cache"] = "hit" if peek((COURIERS, name)) else "miss"
    return courier_told(courier)


@public.get("/track/{token}", response=dict[str, Any], auth=None)
def track(request: HttpRequest, response: HttpResponse, token: str) -> Any:
    """One order as its customer sees it, for who holds its link: `order` and, on the way, `position`."""
    if wait_s := limited(f"track:{client_address(request)}", TRACKS):
        raise HttpError(429, f"That is too often; come again in {wait_s} s.")
    link = find_link(token)
    if link is None:
        raise HttpError(404, "This link shows no order, or no longer.")
    response["Cache-Control"], response["X-Robots-Tag"] = "no-store", "noindex"
    return track_frame(link.order)


# --- helpers ----------------------------------------------------------------------------------------------------------


def read(id: Id) -> tuple[bytes | None, bool]:
    """A value from Redis's state (and whether it was there), else the database's.

    The state itself is written by workers alone, compared and set. A row that the state lacks, such as of an order that
    was finished long ago, is kept beside it in the cache: whatever happens to the order next is in the state, which is
    asked first.
    """
    kind, name = id
    if value := peek(id):
        return value, True
    key = f"row:{kind.name}:{sha256(name.encode()).hexdigest()}"
    if cached := cache.get(key):
        return bytes(cached), True
    value = archive.load([id]).get(id)
    if value is not None:
        cache.set(key, value, CACHE_S)
    return value, False


def made_before(order: Order) -> OrderState:
    """The order that an earlier request made, as it is now; raises HttpError 409 where that is gone."""
    held = services.known(order)
    if held.deleted:
        raise HttpError(409, f"This request made {order.pk}, which was deleted since.")
    return held


def courier_told(courier: Courier) -> dict[str, Any]:
    value, _ = read((COURIERS, courier.name))
    position = whereabouts.decode(value)
    shown = ("lat", "lng", "timestamp", "speed", "heading", "accuracy", "battery", "refused")
    at = {name: getattr(position, name) for name in shown} if position else None
    open_orders = services.open_orders(courier.name)
    return {"name": courier.name, "active": courier.active, "openOrders": open_orders, "position": at}


def told(request: HttpRequest, link: TrackingLink) -> dict[str, Any]:
    return {
        "id": link.pk,
        "url": request.build_absolute_uri(f"/track/{link.token}/"),
        "opens": link.opens(),
        "expiresAt": link.expires_at,
        "revokedAt": link.revoked_at,
    }


def who(request: HttpRequest) -> str:
    """The user or the key behind a request."""
    return str(request.auth)  # type: ignore[attr-defined]
