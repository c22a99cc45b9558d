"""An order's steps: those who ask are refused what the table does not allow, those who report are believed."""

import json
import random
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django_redis import get_redis_connection

from orders import services
from orders.archive import archive_orders, restore_orders
from orders.events import OrderEvent, decode_order
from orders.facts import FINISHED, STATUSES, facts_of
from orders.models import Courier, Order
from orders.models import OrderEvent as EventRow
from orders.state import ORDERS, TIMELINE, reduce_orders
from orders.steps import COURIERS_STEPS, STEPS, Reached, StepRefused, allows, check, diagram, either, irregular
from realtime.api import Record, Stamp
from realtime.models import Outbox
from tests.test_order_admin import NOW, change_page, form_of, placed, published

DOCS = Path(__file__).resolve().parent.parent / "docs" / "orders.md"


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def redis(redis_url):
    connection = get_redis_connection("default")
    yield connection
    connection.flushdb()


def event(time, offset, *, by="", source="", **said):
    return OrderEvent(f"e-{offset}", "ORD-1", Stamp(time, 0, offset), facts_of(said), "order-updates", source, by)


def archive(*events):
    with transaction.atomic():
        archive_orders(events)


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_knows_every_status_and_names_no_other():
    assert set(STEPS) == set(STATUSES)
    assert {to for onward in STEPS.values() for to in onward} <= set(STATUSES)
    assert all(allows(now, to) for now, onward in COURIERS_STEPS.items() for to in onward)


def test_every_order_can_come_to_an_end_and_nothing_but_a_return_follows_one():
    for status in STATUSES:
        ahead, seen = [status], set()
        while ahead:
            seen.add(one := ahead.pop())
            ahead += [to for to in STEPS[one] if to not in seen]
        assert seen & FINISHED, status
    assert {to for status in FINISHED for to in STEPS[status]} == {"Returned"}


def test_a_refusal_names_the_step_and_the_allowed_ones():
    with pytest.raises(StepRefused) as refused:
        check("Packed", "Delivered")
    assert str(refused.value) == (
        "An order that is Packed cannot become Delivered; it may become Shipped, Out for delivery or Cancelled."
    )
    assert refused.value.allowed == STEPS["Packed"]
    with pytest.raises(StepRefused, match="nothing comes after that"):
        check("Cancelled", "Packed")
    assert either(["Returned"]) == "Returned"


def test_the_same_status_again_and_the_first_one_known_are_no_refused_steps():
    for status in STATUSES:
        check(status, status)
        check(None, status)


def test_the_documents_diagram_is_the_tables():
    assert f"```mermaid\n{diagram()}\n```" in DOCS.read_text()
    assert diagram().count("-->") == sum(map(len, STEPS.values())) + 1 + sum(not onward for onward in STEPS.values())


# --- who asks ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("now", STATUSES)
def test_the_service_takes_exactly_the_tables_steps(now):
    for wanted in STATUSES:
        order_id = f"{now}-{wanted}"
        placed(order_id, status=now)
        if allows(now, wanted):
            assert services.change_order(order_id, {"status": wanted}, "ann").status == wanted
        else:
            with pytest.raises(StepRefused):
                services.change_order(order_id, {"status": wanted}, "ann")
            assert published() == []
        Outbox.objects.all().delete()


@pytest.mark.django_db
def test_a_step_is_judged_by_what_redis_knows_and_the_database_does_not_yet(redis):
    placed()
    out = event(NOW + 9, 1, status="Out for delivery")
    redis.set("order:ORD-1", reduce_orders([out], {}, NOW).puts[ORDERS, "ORD-1"].value)
    assert services.change_order("ORD-1", {"status": "Delivered"}, "ann").status == "Delivered"
    redis.set("order:ORD-2", b'{"orderId":"ORD-2","status":"Placed","stamps":{"status":[1,0,0]}}')
    with pytest.raises(services.OrderExists):
        services.create_order({}, "ann", "ORD-2")


@pytest.mark.django_db
def test_the_form_refuses_a_step_and_names_the_allowed_ones(staff):
    order = placed()
    response = staff.post(change_page(order), form_of(order, status="Delivered"))
    assert response.status_code == 200
    assert "it may become Confirmed, Packed or Cancelled." in response.content.decode()
    assert published() == []


@pytest.mark.django_db
def test_the_form_offers_the_next_steps_first(staff):
    page = staff.get(change_page(placed(status="Packed"))).content.decode()
    assert page.index('<optgroup label="Next">') < page.index("Out for delivery") < page.index("Not after Packed")


@pytest.mark.django_db
def test_a_bulk_action_takes_the_orders_that_may_and_names_the_others(staff):
    placed("ORD-1", status="Packed")
    placed("ORD-2", status="Delivered")
    placed("ORD-3", status="Shipped")
    chosen = {"action": "mark_out_for_delivery", "_selected_action": ["ORD-1", "ORD-2", "ORD-3"]}
    page = staff.post(reverse("admin:orders_order_changelist"), chosen, follow=True).content.decode()
    assert [(key, value["status"]) for _, key, value in published()] == [
        ("ORD-1", "Out for delivery"),
        ("ORD-3", "Out for delivery"),
    ]
    assert "ORD-2: An order that is Delivered cannot become Out for delivery; it may become Returned." in page
    assert "Out for delivery: 2." in page


@pytest.mark.django_db
def test_there_is_a_bulk_action_for_every_status(staff):
    placed()
    page = staff.get(reverse("admin:orders_order_changelist")).content.decode()
    assert [status for status in STATUSES if f"Mark as {status}" not in page] == []


# --- who reports ------------------------------------------------------------------------------------------------------


def test_irregular_is_what_did_not_follow_in_the_order_of_time():
    history = [
        ("a", Reached((1, 0, 0, "a"), "Placed")),
        ("b", Reached((2, 0, 1, "b"), "Packed")),
        ("c", Reached((3, 0, 2, "c"), "Delivered")),
        ("d", Reached((4, 0, 3, "d"), "Delivered")),
        ("e", Reached((5, 0, 4, "e"), "Placed")),
    ]
    rng = random.Random(4)
    for _ in range(20):
        rng.shuffle(history)
        assert sorted(irregular(history)) == ["c", "e"]


@pytest.mark.django_db
def test_an_unforeseen_step_from_kafka_is_merged_and_marked(staff):
    placed()
    archive(event(NOW + 9, 1, status="Delivered", source="till"))
    assert Order.objects.get().status == "Delivered"
    page = staff.get(change_page(Order.objects.get())).content.decode()
    assert page.count("irregular</strong>") == 1
    assert "till" in page


@pytest.mark.django_db
def test_a_late_event_joins_the_timeline_in_its_place_and_takes_the_mark_away(staff):
    placed()
    archive(event(NOW + 9, 1, status="Delivered"))
    archive(event(NOW + 5, 2, status="Shipped"), event(NOW + 3, 3, status="Packed"))
    page = staff.get(change_page(Order.objects.get())).content.decode()
    assert "irregular" not in page
    table = page[page.index("<thead><tr><th>When</th><th>What</th>") :]
    assert table.index("Delivered") < table.index("Shipped") < table.index("Packed") < table.index("Placed")


@pytest.mark.django_db
def test_the_timeline_says_who_it_was_from_where_and_what_they_noted(staff):
    placed()
    order = services.change_order("ORD-1", {"status": "Packed", "note": "two boxes"}, "bea", source="admin")
    archive(event(NOW + 9_000_000, 7, status="Shipped"))
    page = staff.get(change_page(order)).content.decode()
    assert "<td>Packed · two boxes</td><td>bea</td><td>admin</td>" in page
    assert "<td>Shipped</td><td></td><td>order-updates-0-7</td>" in page


@pytest.mark.django_db
def test_who_said_it_travels_with_the_record_and_is_the_same_entry_after_a_rebuild():
    placed()
    order = services.change_order("ORD-1", {"status": "Packed"}, "bea", source="admin")
    outbox = Outbox.objects.get()
    headers = (("ce_id", outbox.event_id.encode()),)
    [told] = decode_order(Record("order-updates", "k", 0, 5, NOW + 50, b"ORD-1", bytes(outbox.value), headers))
    assert (told.by, told.source) == ("bea", "admin")
    [live] = reduce_orders([told], {}, NOW).notes
    [change] = restore_orders()
    assert live in change.notes
    entry = {"id": outbox.event_id, "time": order.timestamp, "status": "Packed", "by": "bea", "source": "admin"}
    assert json.loads(live.member) == entry
    assert live.key == f"{TIMELINE}ORD-1"


def test_cloudevents_source_counts_where_the_value_names_none():
    headers = (("ce_source", b"/till/7"),)
    value = b'{"orderId":"ORD-1","status":"Packed"%s}'
    [told] = decode_order(Record("order-updates", "k", 0, 5, NOW, None, value % b"", headers))
    [said] = decode_order(Record("order-updates", "k", 0, 5, NOW, None, value % b',"source":"app"', headers))
    assert (told.source, said.source) == ("/till/7", "app")


# --- two at one form --------------------------------------------------------------------------------------------------


def opened(staff, order):
    """What a browser sends of a form that was opened now."""
    form = staff.get(change_page(order)).context["adminform"].form
    return form_of(order, seen=form["seen"].value())


@pytest.mark.django_db
def test_a_form_opened_before_another_change_publishes_only_what_was_edited(staff):
    Courier.objects.create(name="Asha")
    form = opened(staff, placed())
    services.change_order("ORD-1", {"status": "Packed", "courier": "Asha", "items": ["c"]}, "bea")
    Outbox.objects.all().delete()
    assert staff.post(change_page(Order.objects.get()), form | {"note": "ring twice"}).status_code == 302
    [(_, _, value)] = published()
    assert value.keys() == {"orderId", "note", "timestamp", "by", "source"}
    order = Order.objects.get()
    assert (order.status, order.courier, order.items, order.note) == ("Packed", "Asha", ["c"], "ring twice")


@pytest.mark.django_db
def test_a_conflict_on_a_field_is_shown_and_saved_only_when_it_is_sent_again(staff):
    form = opened(staff, placed(note="first"))
    services.change_order("ORD-1", {"note": "theirs", "publicNote": "soon"}, "bea")
    Outbox.objects.all().delete()
    mine = form | {"note": "mine"}
    refused = staff.post(change_page(Order.objects.get()), mine)
    assert refused.status_code == 200
    assert "Meanwhile somebody else changed it to “theirs”. Save again to set yours." in refused.content.decode()
    assert published() == []
    again = refused.context["adminform"].form
    assert again["note"].value() == "mine"
    assert staff.post(change_page(Order.objects.get()), mine | {"seen": again["seen"].value()}).status_code == 302
    [(_, _, value)] = published()
    assert value["note"] == "mine"
    assert "publicNote" not in value


@pytest.mark.django_db
def test_a_conflict_with_what_only_redis_knows_yet_is_shown_too(staff, redis):
    form = opened(staff, placed())
    theirs = event(NOW + 9, 1, destination={"name": "Work", "lat": 1, "lng": 2})
    redis.set("order:ORD-1", reduce_orders([theirs], {}, NOW).puts[ORDERS, "ORD-1"].value)
    mine = form | {"destination_name": "Home", "destination_lat": "3", "destination_lng": "4"}
    page = staff.post(change_page(Order.objects.get()), mine).content.decode()
    assert "changed it to “Work” at 1.0, 2.0" in page
    assert published() == []


@pytest.mark.django_db
def test_two_who_set_the_same_value_are_in_no_conflict(staff):
    form = opened(staff, placed())
    services.change_order("ORD-1", {"status": "Packed"}, "bea")
    Outbox.objects.all().delete()
    assert staff.post(change_page(Order.objects.get()), form | {"status": "Packed"}).status_code == 302


@pytest.mark.django_db
def test_a_form_of_an_order_that_was_deleted_meanwhile_says_so(staff, redis):
    form = opened(staff, placed())
    gone = event(NOW + 9, 1, deleted=True)
    redis.set("order:ORD-1", reduce_orders([gone], {}, NOW).puts[ORDERS, "ORD-1"].value)
    page = staff.post(change_page(Order.objects.get()), form | {"note": "mine"}).content.decode()
    assert "This order was deleted meanwhile." in page
    assert published() == []


@pytest.mark.django_db
@pytest.mark.parametrize("seen", ["{", "[]", "null"])
def test_a_damaged_form_is_told_to_be_opened_again(staff, seen):
    order = placed()
    page = staff.post(change_page(order), form_of(order, note="x", seen=seen)).content.decode()
    assert "This form is damaged; open it again." in page
    assert EventRow.objects.count() == 1
