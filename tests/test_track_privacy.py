"""What the public sees of an order: exactly these keys, on the page and every transport, as long as it may."""

import io
import json
import logging
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from orders import services
from orders.events import LocationEvent, OrderEvent
from orders.facts import facts_of
from orders.geo import distance, on_grid
from orders.lens import TrackLens
from orders.models import TrackingLink, milliseconds
from orders.positions import COURIERS, reduce_locations
from orders.state import ORDERS, reduce_orders
from orders.streams import open_track
from realtime.api import Denied, Part, Stamp, Value
from realtime.logsafe import MaskedStream
from tests.servers import Stack
from tests.viewers import TRANSPORTS, Live

NOW = milliseconds(timezone.now())
OUT = "Out for delivery"
LAT, LNG = 13.0827, 80.2707
METRE = 1 / 111_195
ORDER_KEYS = {"status", "times", "publicNote", "eta", "courier", "destination", "rev"}
POSITION_KEYS = {"lat", "lng", "timestamp", "heading", "accuracy", "trail", "rev"}
SECRETS = ("Sandeep", "Weber", "a gift", "ring twice", "battery", "stamps", "judged", "ann", "pace", "due")
FULL = {
    "customerName": "Sandeep", "items": ["a gift"], "status": OUT, "note": "ring twice", "publicNote": "soon",
    "courier": "Jonas Weber", "due": NOW + 9_000_000,
    "destination": {"name": "Home", "lat": LAT + 0.05, "lng": LNG},
}  # fmt: skip


def order(*said, out_at=NOW - 600_000):
    events = [OrderEvent(f"e{i}", "ORD-1", Stamp(out_at + i, 0, i), facts_of(facts)) for i, facts in enumerate(said)]
    return {(ORDERS, "ORD-1"): Value(reduce_orders(events, {}, NOW).puts[ORDERS, "ORD-1"].value, 1)}


def driven(minutes=10, name="Jonas Weber"):
    """A courier who drove north at 10 m/s for so long, a fix in 10 s, up to now."""
    fixes = [
        LocationEvent("e", name, Stamp(NOW - seconds * 1000, 0, n), LAT - seconds * 10 * METRE, LNG, battery=50,
                      speed=10.0, accuracy=4.0, heading=0.0)
        for n, seconds in enumerate(range(minutes * 60, -1, -10))
    ]  # fmt: skip
    return {(COURIERS, name): Value(reduce_locations(fixes, {}, NOW).puts[COURIERS, name].value, 1)}


def frame(*values, lens=None):
    part = Part(values={id: value for some in values for id, value in some.items()})
    return (lens or TrackLens("ORD-1")).frame(part, None)


# --- what a frame may hold --------------------------------------------------------------------------------------------


def test_a_frame_on_the_way_has_exactly_the_listed_keys():
    shown = frame(order(FULL), driven())
    assert shown.keys() == {"order", "position"}
    assert shown["order"].keys() == ORDER_KEYS
    assert shown["position"].keys() == POSITION_KEYS
    assert shown["order"]["destination"].keys() == {"name", "lat", "lng"}
    assert [secret for secret in SECRETS if secret in json.dumps(shown)] == []


def test_every_place_is_on_the_grid():
    place = frame(order(FULL), driven())["position"]
    for lat, lng in ((place["lat"], place["lng"]), *(point[1:] for point in place["trail"])):
        assert on_grid(lat, lng, 50) == (lat, lng)
    assert 0 < distance(place["lat"], place["lng"], LAT, LNG) <= 36


def test_the_trail_is_of_the_last_five_minutes_and_no_cell_stands_twice_in_a_row():
    trail = frame(order(FULL), driven())["position"]["trail"]
    assert 20 <= len(trail) <= 38
    assert all(NOW - 300_000 <= time <= NOW for time, _, _ in trail)
    assert all(a[1:] != b[1:] for a, b in pairwise(trail))


def test_nothing_shows_of_where_the_courier_was_before_it_went_out_or_was_given_the_order():
    out = frame(order(FULL, out_at=NOW - 60_000), driven())["position"]["trail"]
    assert min(time for time, _, _ in out) >= NOW - 60_000
    given = frame(order(FULL | {"courier": "Asha"}, {"courier": "Jonas Weber"}, out_at=NOW - 30_000), driven())
    assert min(time for time, _, _ in given["position"]["trail"]) >= NOW - 30_000


@pytest.mark.parametrize("status", ["Placed", "Confirmed", "Packed", "Shipped", "Delivered", "Cancelled", "Returned",
                                    "Failed attempt"])  # fmt: skip
def test_in_any_other_status_there_is_no_position_no_trail_and_no_eta_of_it(status):
    shown = frame(order(FULL, {"status": status}), driven())
    assert shown["position"] is None
    assert shown["order"].keys() <= ORDER_KEYS - {"eta"}


def test_without_its_courier_there_is_no_position():
    assert frame(order(FULL, {"courier": None}), driven())["position"] is None
    assert frame(order(FULL, {"courier": "Asha"}), driven())["position"] is None


# --- the page and the transports --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
def test_the_page_holds_no_more_than_a_frame_and_tells_nobody_its_address(client):
    services.create_order(FULL, "ann", "ORD-1")
    services.move("Jonas Weber", LAT, LNG, "ann")
    link = services.tracking_link("ORD-1")
    response = client.get(f"/track/{link.token}/")
    page = response.content.decode()
    view = response.context["view"]
    assert view["order"].keys() <= ORDER_KEYS
    assert view["position"].keys() <= POSITION_KEYS
    assert [secret for secret in ("Sandeep", "Weber", "a gift", "ring twice", "battery") if secret in page] == []
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"
    assert "no-store" in response["Cache-Control"]
    assert '<meta name="robots" content="noindex">' in page


@pytest.fixture(scope="module")
def link(stack: Stack) -> str:
    """The token of an order that is out for delivery."""
    told = stack.python(
        "from orders import services as s\n"
        f"s.create_order({FULL!r}, 'ann', 'ORD-PRIVATE')\n"
        f"s.move('Jonas Weber', {LAT}, {LNG}, 'ann')\n"
        "print(s.tracking_link('ORD-PRIVATE').token)"
    )
    return told.strip().splitlines()[-1]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_transport_shows_exactly_the_listed_keys(stack, link, transport):
    async with Live(stack.base_url, f"track/{link}", transport) as page:
        await page.until(lambda p: any(frame.get("position") for frame in p.kept.frames))
        for told in page.kept.frames:
            assert told.keys() <= {"type", "cursor", "now", "order", "position", "produced", "first", "more"}
            assert (told.get("order") or {}).keys() <= ORDER_KEYS
            assert (told.get("position") or {}).keys() <= POSITION_KEYS
        assert [secret for secret in SECRETS if secret in json.dumps(page.kept.frames)] == []


def test_no_process_writes_a_token_into_its_log(stack, link):
    logs = list(stack.folder.rglob("*.log"))
    assert logs, "there are no logs to look into"
    assert [path.name for path in logs if link in path.read_text(errors="replace")] == []


# --- how long a link lives --------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
def test_a_token_cannot_be_guessed_and_no_other_text_opens_anything(client):
    services.create_order(FULL, "ann", "ORD-1")
    tokens = {TrackingLink(order_id="ORD-1").token for _ in range(100)}
    assert len(tokens) == 100
    assert min(len(token) for token in tokens) * 6 >= 128
    for wrong in ("x" * 22, "..", "a b", "ä" * 30, "x" * 300):
        assert client.get(f"/track/{wrong}/").status_code == 404
        assert isinstance(open_track(None, wrong, {}), Denied)


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
def test_a_revoked_link_shows_a_plain_page_without_a_word_about_the_order(client):
    services.create_order(FULL, "ann", "ORD-1")
    link = services.tracking_link("ORD-1")
    link.revoked_at = timezone.now()
    link.save()
    response = client.get(f"/track/{link.token}/")
    assert response.status_code == 404
    assert "ORD-1" not in response.content.decode()
    assert open_track(None, link.token, {}).code == 4404


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
@override_settings(TRACKING_OUTLIVES_HOURS=2)
def test_a_link_outlives_its_order_by_the_setting():
    services.create_order(FULL, "ann", "ORD-1")
    link = services.tracking_link("ORD-1")
    services.change_order("ORD-1", {"status": "Delivered"}, "ann")
    link = TrackingLink.objects.get(pk=link.pk)
    assert link.opens(timezone.now() + timedelta(hours=1, minutes=59))
    assert not link.opens(timezone.now() + timedelta(hours=2, minutes=1))


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
@pytest.mark.parametrize(
    ("page", "table"), [("track", "orders_trackinglink"), ("courier", "orders_courierlink"), ("track", "orders_order")]
)
def test_a_page_that_breaks_leaves_no_token_in_any_log(client, page, table):
    services.create_order(FULL, "ann", "ORD-1")
    token = services.tracking_link("ORD-1").token
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    client.raise_request_exception = False
    out = io.StringIO()
    handler = MaskedStream(out)
    logging.getLogger().addHandler(handler)
    try:
        assert client.get(f"/{page}/{token}/").status_code == 500
    finally:
        logging.getLogger().removeHandler(handler)
    said = out.getvalue()
    assert f"Internal Server Error: /{page}/[masked]/" in said
    assert "Traceback" in said
    assert token not in said


def test_what_the_logs_are_written_with_masks_what_it_writes():
    named = {handler["class"] for handler in django_settings.LOGGING["handlers"].values() if "class" in handler}
    assert named == {"realtime.logsafe.MaskedStream"}
