"""Where couriers were is kept thinned, shown to staff, and forgotten in time."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orders.archive import archive_positions
from orders.events import decode_location
from orders.geo import distance
from orders.models import Position, TrailPoint, milliseconds
from orders.thinning import STEP_M, STEP_MS, Passed, thin
from realtime.api import Record

NOW = milliseconds(timezone.now())
METRE = 1 / 111_195


def fixes(*said, name="Asha", first=0):
    """Fixes as their records decode: (seconds from NOW, metres to the north, further fields)."""
    events = []
    for number, (seconds, metres, *more) in enumerate(said, first):
        value = {"name": name, "lat": 13 + metres * METRE, "lng": 80, "timestamp": NOW + seconds * 1000}
        value |= more[0] if more else {}
        appended = NOW + max(seconds, 0) * 1000
        record = Record("location-updates", "k", 0, number, appended, None, json.dumps(value).encode())
        [event] = decode_location(record)
        events.append(event)
    return events


def trail(name="Asha"):
    rows = TrailPoint.objects.filter(name=name).order_by("time")
    return [(round((row.time - NOW) / 1000), round((row.lat - 13) / METRE)) for row in rows]


points = st.lists(st.builds(Passed, st.integers(0, 3_600_000), st.floats(12.9, 13.1), st.just(80.0)), max_size=40)


@given(points)
def test_thinning_keeps_the_first_the_way_and_signs_of_life_and_thins_nothing_twice(way):
    kept = thin(None, way)
    assert set(kept) <= set(way)
    assert (not way) == (not kept)
    for one, next in pairwise(kept):
        far = distance(one.lat, one.lng, next.lat, next.lng)
        assert far >= STEP_M or next.time - one.time >= STEP_MS
    assert thin(None, kept) == kept


@pytest.mark.django_db
def test_the_archive_keeps_the_way_in_batches_of_any_cut():
    way = fixes(*((10 * i, 8 * i) for i in range(30)))
    archive_positions(way[:7])
    archive_positions(way[7:9])
    archive_positions(way[9:])
    assert trail() == [(10 * i, 8 * i) for i in range(0, 30, 4)]


@pytest.mark.django_db
def test_what_comes_late_from_a_phone_without_a_network_joins_and_a_repeat_adds_nothing():
    late = fixes(*((-7200 + 10 * i, 30 * i) for i in range(20)), first=1)
    archive_positions(fixes((0, 10_000)))
    for _ in range(2):
        archive_positions(late)
    assert trail() == [*((-7200 + 10 * i, 30 * i) for i in range(20)), (0, 10_000)]
    assert Position.objects.get(pk="Asha").timestamp == NOW


@pytest.mark.django_db
def test_what_is_not_believed_and_places_are_no_part_of_a_trail():
    archive_positions(fixes((0, 0, {"accuracy": 5}), (10, 90_000), (20, 30, {"accuracy": 900}), (30, 60)))
    archive_positions(fixes((0, 0, {"source": "place"}), name="Warehouse"))
    assert trail() == [(0, 0), (30, 60)]
    assert trail("Warehouse") == []


@pytest.mark.django_db
def test_staff_read_a_day_of_one_courier_and_nobody_else_does(client):
    archive_positions(fixes((0, 0), (60, 100, {"heading": 7})))
    archive_positions(fixes((0, 0), name="Ravi", first=9))
    page = reverse("orders:day")
    asked = {"courier": "Asha", "from": NOW, "to": NOW + 86_400_000}
    assert client.get(page, asked).status_code == 302
    client.force_login(User.objects.create_user("bob"))
    assert client.get(page, asked).status_code == 403
    client.force_login(User.objects.create_superuser("ann"))
    points = client.get(page, asked).json()["points"]
    assert [(time - NOW, heading) for time, _, _, heading in points] == [(0, None), (60_000, 7)]
    for wrong in ({"from": "x"}, {"to": NOW}, {"to": NOW + 10 * 86_400_000}, {"from": "9" * 30}):
        assert client.get(page, asked | wrong).status_code == 400


@pytest.mark.django_db
def test_trails_end_after_their_days(settings, capsys):
    archive_positions(fixes((0, 0), (60, 100)))
    settings.TRAIL_KEEP_DAYS = 7
    TrailPoint.objects.filter(time=NOW).update(time=NOW - timedelta(days=8) // timedelta(milliseconds=1))
    call_command("prune")
    assert "trail points: 1" in capsys.readouterr().out
    assert trail() == [(60, 100)]
