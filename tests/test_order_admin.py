"""What staff do in the admin reaches row, events and outbox at once; pages show what their reader may see."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django_redis import get_redis_connection

from orders import demo, services
from orders.events import OrderEvent, decode_location, decode_order
from orders.facts import facts_of
from orders.models import Courier, Order, Position, TrackingLink, milliseconds
from orders.models import OrderEvent as EventRow
from orders.positions import COURIERS, reduce_locations
from orders.state import ORDERS, encode, reduce_orders
from orders.streams import open_track
from orders.whereabouts import PLACE
from realtime.api import Denied, Record, Stamp
from realtime.models import Outbox

pytestmark = pytest.mark.django_db
NOW = milliseconds(timezone.now())
OUT = "Out for delivery"


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def redis(redis_url):
    connection = get_redis_connection("default")
    yield connection
    connection.flushdb()


def published():
    return [(row.topic, row.key, json.loads(bytes(row.value))) for row in Outbox.objects.order_by("id")]


def change_page(row):
    return reverse(f"admin:orders_{row._meta.model_name}_change", args=[row.pk])


def form_of(order, **edits):
    """What a browser sends for the order's form, with these edits."""
    data = {
        "customer_name": order.customer_name, "items": "\n".join(order.items), "status": order.status,
        "note": order.note, "public_note": order.public_note, "courier": order.courier,
        "destination_name": order.destination_name, "destination_lat": order.destination_lat or "",
        "destination_lng": order.destination_lng or "", "eta_0": "", "eta_1": "", "due_0": "", "due_1": "",
    }  # fmt: skip
    return data | edits


def placed(order_id="ORD-1", **fields):
    order = services.create_order({"customerName": "Sandeep", "items": ["a", "b"], **fields}, "ann", order_id, NOW)
    Outbox.objects.all().delete()
    return order


# --- the services -----------------------------------------------------------------------------------------------------


def test_a_change_is_row_event_and_outbox_of_one_transaction():
    placed()
    services.change_order("ORD-1", {"status": "packed", "note": None}, "ann", NOW + 5)
    [(topic, key, value)] = published()
    assert (topic, key) == ("order-updates", "ORD-1")
    assert value == {"orderId": "ORD-1", "status": "Packed", "note": None, "by": "ann", "timestamp": NOW + 5}
    row = Order.objects.get(pk="ORD-1")
    assert (row.status, row.stamps["status"], row.customer_name) == ("Packed", [NOW + 5, -1, -1], "Sandeep")
    event = EventRow.objects.latest("id")
    assert (event.event_id, event.by, event.status) == (Outbox.objects.get().event_id, "ann", "Packed")


def test_the_record_that_comes_back_sets_the_same_values_with_its_whole_stamp():
    placed()
    row = services.change_order("ORD-1", {"status": "Packed", "destination": {"lat": 1, "lng": 2}}, "ann", NOW + 5)
    outbox = Outbox.objects.get()
    headers = (("ce_id", outbox.event_id.encode()),)
    record = Record("order-updates", "k", 2, 7, NOW + 50, b"ORD-1", bytes(outbox.value), headers)
    [event] = decode_order(record)
    before = row.state()
    change = reduce_orders([event], {(ORDERS, "ORD-1"): encode(before)}, NOW)
    after = json.loads(change.puts[ORDERS, "ORD-1"].value)
    assert after["stamps"]["status"] == [NOW + 5, 2, 7]
    assert {k: v for k, v in after.items() if k != "stamps"} == {
        k: v for k, v in json.loads(encode(before)).items() if k != "stamps"
    }


def test_a_save_wins_over_a_row_whose_newest_event_lies_ahead():
    placed()
    first = services.change_order("ORD-1", {"status": "Packed"}, "ann", NOW + 40_000)
    second = services.change_order("ORD-1", {"status": "Shipped"}, "ann", NOW + 5)
    assert second.timestamp == first.timestamp + 1
    assert second.status == "Shipped"


def test_a_save_wins_over_what_only_redis_knows_yet(redis):
    placed()
    ahead = OrderEvent("x", "ORD-1", Stamp(NOW + 30_000, 0, 1), facts_of({"status": "Shipped"}))
    redis.set("order:ORD-1", reduce_orders([ahead], {}, NOW).puts[ORDERS, "ORD-1"].value)
    services.change_order("ORD-1", {"status": "Delivered"}, "ann", NOW)
    assert published()[0][2]["timestamp"] == NOW + 30_001


@pytest.mark.parametrize(
    ("fields", "names"), [({"status": "Lost"}, "Lost"), ({"destination": {"lat": 91, "lng": 0}}, "lat")]
)
def test_what_the_topic_would_not_take_is_not_saved(fields, names):
    placed()
    with pytest.raises(ValueError, match=names):
        services.change_order("ORD-1", fields, "ann")
    assert published() == []


def test_an_order_without_an_id_gets_one_and_an_id_is_given_once():
    order = services.create_order({}, "ann")
    assert order.pk.startswith("ORD-")
    assert order.status == "Placed"
    with pytest.raises(services.OrderExists):
        services.create_order({}, "ann", order.pk)


def test_deleting_publishes_a_tombstone_and_creating_again_revives_an_empty_order():
    placed(note="secret")
    link = services.tracking_link("ORD-1")
    services.delete_order("ORD-1", "ann")
    assert published()[0][2].items() >= {"orderId": "ORD-1", "deleted": True}.items()
    row = Order.objects.get(pk="ORD-1")
    assert (row.deleted, row.customer_name, row.items, row.note) == (True, "", [], "")
    assert "Sandeep" not in json.dumps(list(EventRow.objects.values_list("data", flat=True)))
    with pytest.raises(Order.DoesNotExist):
        services.change_order("ORD-1", {"status": "Packed"}, "ann")
    with pytest.raises(Order.DoesNotExist):
        services.tracking_link("ORD-1")
    again = services.create_order({"customerName": "Mei"}, "ann", "ORD-1")
    assert (again.deleted, again.customer_name, again.items) == (False, "Mei", [])
    link.refresh_from_db()
    assert not link.opens()


def test_a_move_is_published_and_newer_than_what_redis_knows(redis):
    [fix] = decode_location(
        Record("location-updates", "k", 0, 0, NOW + 30_000, None, b'{"name":"Asha","lat":1,"lng":2}')
    )
    redis.set("location:Asha", reduce_locations([fix], {}, NOW).puts[COURIERS, "Asha"].value)
    services.move("Asha", 13.08, 80.27, "ann", now=NOW)
    sent = {"name": "Asha", "lat": 13.08, "lng": 80.27, "timestamp": NOW + 30_001, "source": "staff"}
    assert published() == [("location-updates", "Asha", sent)]
    assert Position.objects.get(pk="Asha").lat == 13.08
    with pytest.raises(ValueError, match="91"):
        services.move("Asha", 91, 0, "ann")


def test_the_demo_is_seeded_once():
    demo.seed()
    count = Outbox.objects.count()
    demo.seed()
    assert Outbox.objects.count() == count
    values = [
        Record(topic, "k", 0, i, NOW + 5000, None, json.dumps(value).encode())
        for i, (topic, _, value) in enumerate(published())
    ]
    decoded = [(decode_order if record.topic == "order-updates" else decode_location)(record) for record in values]
    assert all(isinstance(events, list) for events in decoded)
    assert Position.objects.get(pk="Warehouse A").state().source == PLACE


# --- the admin --------------------------------------------------------------------------------------------------------


def test_an_edit_publishes_only_the_edited_fields(staff):
    order = placed()
    response = staff.post(change_page(order), form_of(order, status="Packed", items="a\nb\n"))
    assert response.status_code == 302
    [(_, _, value)] = published()
    assert value.keys() == {"orderId", "status", "timestamp", "by", "source"}


def test_a_save_without_an_edit_publishes_nothing(staff):
    order = placed(eta=NOW + 123, due=NOW + 456_789, destination={"name": "Home", "lat": 13.1, "lng": 80.123456789})
    shown = staff.get(change_page(order)).context["adminform"].form
    data = {}
    for bound in shown:
        value = bound.value()
        data |= (
            {f"{bound.html_name}_{i}": part for i, part in enumerate(bound.field.widget.decompress(value))}
            if hasattr(bound.field.widget, "decompress")
            else {bound.html_name: "" if value is None else value}
        )
    assert staff.post(change_page(order), data).status_code == 302
    assert published() == []


def test_fields_are_emptied_and_destinations_set_as_one(staff):
    order = placed(courier="Asha", destination={"name": "Home", "lat": 1, "lng": 2})
    edits = {"courier": "", "destination_name": "Work", "due_0": "2026-12-24", "due_1": "18:00:00"}
    assert staff.post(change_page(order), form_of(order, **edits)).status_code == 302
    [(_, _, value)] = published()
    assert value["courier"] is None
    assert value["destination"] == {"name": "Work", "lat": 1, "lng": 2}
    assert value["due"] == 1_798_135_200_000


def test_a_new_order_may_be_given_an_id_or_gets_one(staff):
    data = form_of(Order(items=["x"], status="Placed"), order_id="ORD-50123")
    assert staff.post(reverse("admin:orders_order_add"), data).status_code == 302
    assert staff.post(reverse("admin:orders_order_add"), data | {"order_id": ""}).status_code == 302
    again = staff.post(reverse("admin:orders_order_add"), data)
    assert "There is an order of this id already." in again.content.decode()
    assert [key for _, key, _ in published()] == ["ORD-50123", Order.objects.exclude(pk="ORD-50123").get().pk]
    assert published()[0][2]["items"] == ["x"]


@pytest.mark.parametrize(
    "edits", [{"destination_lat": "91"}, {"destination_lat": "1"}, {"destination_name": "x"}, {"items": "x" * 201}]
)
def test_a_form_says_what_is_wrong_and_publishes_nothing(staff, edits):
    order = placed()
    response = staff.post(change_page(order), form_of(order, **edits))
    assert response.status_code == 200
    assert response.context["errors"]
    assert published() == []


def test_deleting_one_and_many_are_tombstones_that_the_list_hides(staff):
    for number in range(3):
        placed(f"ORD-{number}")
    page = reverse("admin:orders_order_delete", args=["ORD-0"])
    assert "ORD-0" in staff.get(page).content.decode()
    assert staff.post(page, {"post": "yes"}).status_code == 302
    chosen = {"action": "delete_selected", "_selected_action": ["ORD-1", "ORD-2"], "post": "yes"}
    assert staff.post(reverse("admin:orders_order_changelist"), chosen).status_code == 302
    assert [(key, value["deleted"]) for _, key, value in published()] == [
        ("ORD-0", True),
        ("ORD-1", True),
        ("ORD-2", True),
    ]
    assert Order.objects.filter(deleted=True).count() == 3
    assert list(staff.get(reverse("admin:orders_order_changelist")).context["cl"].result_list) == []


def test_the_list_finds_and_filters(staff):
    placed()
    placed("ORD-2", customerName="Mei", courier="Asha", status="Shipped")
    found = staff.get(
        reverse("admin:orders_order_changelist"), {"q": "Mei", "status__exact": "Shipped"}
    ).content.decode()
    assert "ORD-2" in found
    assert "ORD-1" not in found


def test_an_orders_page_shows_its_timeline_and_link(staff):
    order = placed(note="<b>call</b>")
    text = staff.get(change_page(order)).content.decode()
    assert "&lt;b&gt;call" in text
    assert "<b>call" not in text
    assert reverse("orders:make_link", args=["ORD-1"]) in text
    link = services.tracking_link("ORD-1")
    assert link.token in staff.get(change_page(order)).content.decode()


def test_moving_a_courier_publishes_a_fix_and_saving_one_that_stands_does_not(staff):
    page = reverse("admin:orders_courier_add")
    assert staff.post(page, {"name": "Asha", "active": "on", "lat": "13.08", "lng": "80.27"}).status_code == 302
    courier = Courier.objects.get()
    shown = {"active": "on", "initial-lat": "13.08", "lat": "13.08", "initial-lng": "80.27", "lng": "80.27"}
    assert staff.post(change_page(courier), shown).status_code == 302
    assert staff.post(change_page(courier), shown | {"lat": "13.09"}).status_code == 302
    assert staff.post(change_page(courier), shown | {"lat": "13.09", "lng": ""}).status_code == 200
    assert [(key, value["lat"]) for _, key, value in published()] == [("Asha", 13.08), ("Asha", 13.09)]


def test_a_place_is_made_and_moved_but_not_deleted(staff):
    add = {"name": "Warehouse A", "lat": "13.0827", "lng": "80.2707"}
    assert staff.post(reverse("admin:orders_position_add"), add).status_code == 302
    place = Position.objects.get()
    assert staff.post(change_page(place), {"lat": "13.09", "lng": "80.2707"}).status_code == 302
    assert [(value["lat"], value["source"]) for _, _, value in published()] == [(13.0827, "place"), (13.09, "place")]
    place.refresh_from_db()
    assert (place.lat, place.heading) == (13.09, None)
    assert staff.get(reverse("admin:orders_position_delete", args=[place.pk])).status_code == 403


def test_links_are_revoked_in_the_admin(staff):
    placed()
    link = services.tracking_link("ORD-1")
    chosen = {"action": "revoke", "_selected_action": [link.pk]}
    assert staff.post(reverse("admin:orders_trackinglink_changelist"), chosen).status_code == 302
    link.refresh_from_db()
    assert not link.opens()
    assert services.tracking_link("ORD-1").token != link.token


# --- pages and links --------------------------------------------------------------------------------------------------


def test_the_staff_page_asks_visitors_to_sign_in_and_refuses_others(client):
    assert client.get("/orders/").url == "/admin/login/?next=/orders/"
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/orders/").status_code == 403


@override_settings(TILE_URL="https://tiles.test/{z}/{x}/{y}.png")
def test_the_staff_page_names_tiles_and_city(staff):
    config = staff.get("/orders/").context["config"]
    assert config["tileUrl"] == "https://tiles.test/{z}/{x}/{y}.png"
    assert config["cityUrl"] == "/static/orders/city.geojson"


def test_staff_make_a_link_on_demand_and_only_one(staff, client):
    placed("A/1")
    response = staff.get(reverse("orders:make_link", args=["A/1"]))
    link = TrackingLink.objects.get()
    assert response.url == f"/track/{link.token}/"
    assert len(link.token) >= 22
    assert staff.get(reverse("orders:make_link", args=["A/1"])).url == response.url
    assert staff.get(reverse("orders:make_link", args=["none"])).status_code == 404
    client.logout()
    assert client.get(reverse("orders:make_link", args=["A/1"])).url.startswith("/admin/login/")


def test_an_order_that_only_redis_knows_can_be_tracked(staff, redis):
    event = OrderEvent("x", "ORD-9", Stamp(NOW, 0, 1), facts_of({"status": "Packed"}))
    redis.set("order:ORD-9", reduce_orders([event], {}, NOW).puts[ORDERS, "ORD-9"].value)
    page = staff.get(staff.get(reverse("orders:make_link", args=["ORD-9"])).url)
    assert page.context["view"]["order"]["status"] == "Packed"


def test_the_tracking_page_holds_what_is_known_and_nothing_private(client):
    placed(status=OUT, courier="Jonas Weber", note="staff only", publicNote="We call first")
    services.move("Jonas Weber", 13.0827, 80.2707, "ann")
    response = client.get(f"/track/{services.tracking_link('ORD-1').token}/")
    text = response.content.decode()
    assert "We call first" in text
    assert [secret for secret in ("Sandeep", "Weber", "staff only", "13.0827", "80.2707") if secret in text] == []
    assert response.context["view"]["position"]["accuracy"] == 50
    assert response.context["config"]["streamView"] == f"track/{response.context['token']}"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_the_tracking_page_prefers_what_redis_knows(client, redis):
    placed(status="Packed")
    event = OrderEvent("x", "ORD-1", Stamp(NOW + 9, 0, 1), facts_of({"status": "Shipped"}))
    redis.set("order:ORD-1", reduce_orders([event], {}, NOW).puts[ORDERS, "ORD-1"].value)
    page = client.get(f"/track/{services.tracking_link('ORD-1').token}/")
    assert page.context["view"]["order"]["status"] == "Shipped"


def test_a_link_that_does_not_work_says_so_and_how_is_not_told(client):
    placed()
    revoked = TrackingLink.objects.create(order_id="ORD-1", revoked_at=timezone.now())
    expired = TrackingLink.objects.create(order_id="ORD-1", expires_at=timezone.now() - timedelta(seconds=1))
    for token in (revoked.token, expired.token, "x" * 32, "short", "a%00b", "x" * 500):
        response = client.get(f"/track/{token}/")
        assert response.status_code == 404
        assert "does not work" in response.content.decode()
        assert isinstance(open_track(None, token, {}), Denied)


def test_a_link_works_until_a_day_after_its_order_is_over():
    order = placed(status="Delivered")
    link = services.tracking_link("ORD-1")
    assert link.opens(order.finished_at + timedelta(hours=23))
    assert not link.opens(order.finished_at + timedelta(hours=25))
    assert open_track(None, link.token, {}).order_id == "ORD-1"


def test_a_link_made_for_an_order_that_is_long_over_works_for_a_day():
    services.create_order({"status": "Delivered"}, "ann", "ORD-1", NOW - 3 * 86_400_000)
    link = services.tracking_link("ORD-1")
    assert link.opens()
    assert not link.opens(timezone.now() + timedelta(hours=25))
