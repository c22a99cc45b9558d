"""Where couriers were: thinned trails in the archive, and their end."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Subquery

from orders.models import Position, TrailPoint, milliseconds
from orders.thinning import Passed, thin

DAY = timedelta(days=1)
CHUNK = 500


def keep(passed: Mapping[str, Sequence[Passed]]) -> None:
    """Adds to the trails of these names what is worth keeping; a point that is there already stays as it is."""
    last = newest(list(passed))
    rows = [
        TrailPoint(name=name, time=one.time, lat=round(one.lat, 6), lng=round(one.lng, 6), speed=one.speed,
                   heading=one.heading, order_id=one.order_id)
        for name, points in passed.items()
        for one in thin(last.get(name), points)
    ]  # fmt: skip
    TrailPoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)


def newest(names: Sequence[str]) -> dict[str, Passed]:
    """The last point of each name's trail: one look at the index each."""
    points = TrailPoint.objects.filter(name=OuterRef("pk")).order_by("-time")
    fields = ("time", "lat", "lng")
    found: dict[str, Passed] = {}
    for first in range(0, len(names), CHUNK):
        rows = Position.objects.filter(pk__in=names[first : first + CHUNK])
        rows = rows.annotate(**{f"last_{field}": Subquery(points.values(field)[:1]) for field in fields})
        for name, time, lat, lng in rows.values_list("pk", *(f"last_{field}" for field in fields)):
            if time is not None:
                found[name] = Passed(time, lat, lng)
    return found


def prune(now: datetime) -> int:
    """Deletes what is older than TRAIL_KEEP_DAYS; how much that was."""
    before = milliseconds(now - settings.TRAIL_KEEP_DAYS * DAY)
    return TrailPoint.objects.filter(time__lt=before).delete()[0]
