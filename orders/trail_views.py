"""A courier's day, for the page that replays it."""

import json
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.models import TrailPoint
from orders.views import staff_only

MOST_POINTS = 20_000


@require_safe
@staff_only
@never_cache
def day(request: HttpRequest) -> HttpResponse:
    """The trail of `courier` between `from` and `to` (Unix ms): `{"points":[[ms,lat,lng,heading]]}`.

    A page asks for the day of its own time zone, which has at most 25 hours.
    """
    name = request.GET.get("courier", "")
    try:
        since, until = span(request.GET)
    except ValueError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    rows = TrailPoint.objects.filter(name=name, time__gte=since, time__lt=until).order_by("time")[:MOST_POINTS]
    points = [list(row) for row in rows.values_list("time", "lat", "lng", "heading")]
    body = json.dumps({"courier": name, "from": since, "to": until, "points": points}, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json")


def span(asked: Mapping[str, str]) -> tuple[int, int]:
    """From when to when, in Unix ms; raises ValueError, naming what is wrong."""
    since, until = asked.get("from", ""), asked.get("to", "")
    if not (since.isdecimal() and until.isdecimal() and len(since) < 16 and len(until) < 16):
        raise ValueError("from and to take Unix ms.")
    if not 0 < int(until) - int(since) <= 25 * 3_600_000:
        raise ValueError("from and to lie at most 25 hours apart.")
    return int(since), int(until)
