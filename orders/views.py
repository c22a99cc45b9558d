"""The pages of orders: all of them for staff, one of them for whoever holds its link."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders import archive, services, steps
from orders.lens import TrackLens
from orders.models import Order, TrackingLink
from orders.positions import COURIERS
from orders.state import ORDERS
from orders.streams import find_link
from orders.tuning import near, sight
from orders.wording import language_of, words
from realtime.api import Id, Part, Value, peek

View = Callable[..., HttpResponseBase]


def staff_only(view: View) -> View:
    """Visitors are asked to sign in; those who are signed in and no staff get 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise PermissionDenied("The orders are for staff.")
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@staff_only
def live(request: HttpRequest) -> HttpResponse:
    """All orders on a map and in a list."""
    config = {
        "steps": steps.STEPS,
        "couriers": services.active_couriers(),
        "mayChange": request.user.has_perm("orders.change_order"),
    }
    return render(request, "orders/live.html", {"config": map_config() | config})


@require_safe
@staff_only
def make_link(request: HttpRequest, order_id: str) -> HttpResponse:
    """The order's tracking page, whose link is made where there is none."""
    try:
        link = services.tracking_link(order_id)
    except Order.DoesNotExist:
        raise Http404("There is no such order.") from None
    return redirect("orders:track", token=link.token)


@require_safe
@never_cache
def track(request: HttpRequest, token: str) -> HttpResponse:
    """One order; what is known of it stands in the first HTML, and goes on by WebSocket."""
    link, language = find_link(token), language_of(request)
    with translation.override(language):
        if link is None:
            response = render(request, "orders/gone.html", {"language": language}, status=404)
        else:
            response = render(request, "orders/track.html", track_context(link) | {"language": language})
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    # The address is the key to the page: no other site is told it, and no search engine keeps it. Map tiles, whose
    # provider asks for a referrer, send the origin alone, by a policy of their own.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def track_context(link: TrackingLink) -> dict[str, Any]:
    page = {
        "token": link.token,
        "order_id": link.order_id,
        "view": track_frame(link.order),
        "streamView": f"track/{link.token}",
    }
    return page | {"config": map_config() | page | {"near": near(), "words": words()["map"]}}


def track_frame(order: Order) -> dict[str, Any]:
    """The order as its tracking view's snapshot would show it, from Redis or, where it holds nothing, the database."""
    lens, part = TrackLens(order.pk, sight=sight()), Part()
    for kind in (ORDERS, COURIERS):
        for name in lens.ids(kind, part):
            part.values[kind, name] = Value(_value((kind, name)), 0)
    return lens.frame(part, None) or {}


def _value(id: Id) -> bytes | None:
    return peek(id) or archive.load([id]).get(id)


def map_config() -> dict[str, str]:
    return {
        "tileUrl": settings.TILE_URL,
        "tileAttribution": settings.TILE_ATTRIBUTION,
        "cityUrl": static("orders/city.geojson"),
    }
