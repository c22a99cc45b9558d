"""The database merges by the same rules as Redis, keeps every event once, and gives Redis its state back."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from orders import state, whereabouts
from orders.archive import archive_orders, archive_positions, load, restore_orders, restore_positions
from orders.events import LocationEvent, OrderEvent
from orders.facts import facts_of
from orders.models import Order, Position, TrackingLink, milliseconds
from orders.models import OrderEvent as EventRow
from orders.positions import COURIERS, reduce_locations
from orders.state import ORDERS, TIMELINE, reduce_orders
from orders.tuning import keep_ms
from realtime.api import Stamp

NOW = milliseconds(timezone.now())
FULL = {
    "customerName": "Sandeep", "items": ["a", "b"], "status": "Packed", "note": "n", "publicNote": "p",
    "courier": "Asha", "eta": NOW + 1, "due": NOW + 2,
    "destination": {"name": "Home", "lat": 13.1, "lng": 80.123456789},
}  # fmt: skip


def event(time, offset=0, *, order_id="ORD-1", id="", **said):
    return OrderEvent(id or f"e-{offset}", order_id, Stamp(time, 0, offset), facts_of(said), "order-updates", "shop")


def fix(time, offset=0, *, name="Asha", lat=13.0, **more):
    return LocationEvent(f"f-{offset}", name, Stamp(time, 0, offset), lat, 80.0, **more)


def live(events, order_id="ORD-1"):
    return reduce_orders(events, {}, NOW).puts[ORDERS, order_id].value


def archive(*events):
    with transaction.atomic():
        archive_orders(events)


def held(order_id="ORD-1"):
    return load([(ORDERS, order_id)])[ORDERS, order_id]


FACTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["Placed", "Packed"]),
        "customerName": st.sampled_from(["S", None]),
        "note": st.sampled_from(["a", None]),
        "items": st.sampled_from([["a", "b"], None]),
        "eta": st.integers(NOW, NOW + 9_999) | st.none(),
        "destination": st.sampled_from(
            [{"lat": 1.1, "lng": 2.2}, {"name": "x", "lat": -0.1, "lng": 80.123456789}, None]
        ),
        "deleted": st.booleans(),
    },
)


class TheArchive(TestCase):
    """Hypothesis needs a transaction of its own for each example."""

    @given(st.lists(st.tuples(st.integers(0, 5), FACTS), min_size=1, max_size=6), st.integers(0, 6))
    @settings(max_examples=60, deadline=None)
    def test_holds_the_same_bytes_as_redis_however_batches_are_cut(self, said, cut):
        events = [event(NOW + time, offset, **facts) for offset, (time, facts) in enumerate(said)]
        for batch in (events[:cut], events[cut:], events[:cut]):
            archive(*batch)
        assert held() == live(events)


@pytest.mark.django_db
def test_a_row_is_the_state_without_loss():
    archive(event(NOW, **FULL))
    assert held() == live([event(NOW, **FULL)])
    row = Order.objects.get(pk="ORD-1")
    again = Order(order_id="ORD-1")
    again.take(row.state())
    assert state.encode(again.state()) == held()


@pytest.mark.django_db
def test_an_order_that_the_database_does_not_know_yet_gets_its_row():
    archive(event(NOW, status="Packed"), event(NOW + 1, 1, order_id="ORD-2", courier="Nobody here"))
    assert Order.objects.get(pk="ORD-2").courier == "Nobody here"


@pytest.mark.django_db
def test_every_event_is_kept_once():
    batch = [event(NOW, 0, status="Packed", note="x"), event(NOW + 1, 1, eta=NOW)]
    archive(*batch)
    archive(*batch, event(NOW + 2, 2, status="Shipped"))
    rows = list(EventRow.objects.order_by("time"))
    assert [(row.event_id, row.status, row.note, row.source, row.offset) for row in rows] == [
        ("e-0", "Packed", "x", "shop", 0), ("e-1", "", "", "shop", 1), ("e-2", "Shipped", "", "shop", 2),
    ]  # fmt: skip
    assert rows[1].data == {"eta": NOW}


@pytest.mark.django_db
def test_two_producers_may_number_their_events_alike():
    archive(event(NOW, 0, id="1", status="Packed"), event(NOW, 1, id="1", order_id="ORD-2", status="Packed"))
    assert EventRow.objects.count() == 2


@pytest.mark.django_db
def test_a_deletion_takes_personal_data_out_of_row_and_events_and_revokes_links():
    archive(event(NOW, **FULL))
    link = TrackingLink.objects.create(order_id="ORD-1")
    archive(event(NOW + 5, 1, deleted=True), event(NOW + 3, 2, note="Sandeep called", customerName="Sandeep"))
    row = Order.objects.get(pk="ORD-1")
    assert row.deleted
    text = json.dumps([row.customer_name, row.items, row.destination_name, row.note, row.courier])
    text += json.dumps(list(EventRow.objects.values("note", "data")))
    assert [secret for secret in ("Sandeep", "Home", "80.123456789", "Asha") if secret in text] == []
    assert EventRow.objects.get(event_id="e-0").data == {"status": "Packed"}
    link.refresh_from_db()
    assert link.revoked_at is not None
    assert held() == live([event(NOW, **FULL), event(NOW + 5, 1, deleted=True)])


@pytest.mark.django_db
def test_a_large_batch_costs_few_queries():
    batch = [event(NOW + i, i, order_id=f"ORD-{i % 40}", status="Packed", note="x") for i in range(400)]
    archive(*batch)
    with CaptureQueriesContext(connection) as queries:
        archive(*[event(NOW + i, i, order_id=f"ORD-{i % 40}", status="Shipped") for i in range(400, 800)])
    # SQLite takes 999 parameters a statement, which cuts the inserts of 400 events.
    assert len([query for query in queries if not query["sql"].startswith("INSERT")]) <= 6
    assert Order.objects.count() == 40
    assert EventRow.objects.count() == 800


@pytest.mark.django_db
def test_positions_are_folded_into_one_row_a_name():
    fixes = [
        fix(NOW),
        fix(NOW + 2, 1, lat=13.001, speed=3.0, accuracy=4.0, battery=5.0, order_id="ORD-1", source="phone"),
    ]
    late = fix(NOW + 1, 2, lat=14)
    with transaction.atomic():
        archive_positions([*fixes, fix(NOW, 3, name="Warehouse A")])
        archive_positions([late])
    expected = reduce_locations([*fixes, late], {}, NOW).puts[COURIERS, "Asha"].value
    assert load([(COURIERS, "Asha")]) == {(COURIERS, "Asha"): expected}
    row = Position.objects.get(pk="Asha")
    assert whereabouts.encode(row.state()) == expected
    assert Position.objects.count() == 2


@pytest.mark.django_db
def test_load_knows_both_kinds_and_leaves_out_what_it_does_not_hold():
    archive(event(NOW, status="Packed"))
    assert load([(ORDERS, "ORD-1"), (ORDERS, "ORD-9"), (COURIERS, "ORD-1")]) == {(ORDERS, "ORD-1"): held()}
    assert load([]) == {}


def restored():
    changes = list(restore_orders())
    puts = {id: put for change in changes for (_, id), put in change.puts.items()}
    return puts, [note for change in changes for note in change.notes]


@pytest.mark.django_db
def test_redis_gets_back_what_is_open_or_was_over_not_long_ago():
    old = NOW - keep_ms() - 1000
    archive(
        event(old, 0, order_id="open", status="Packed"),
        event(old, 1, order_id="long over", status="Delivered"),
        event(old, 2, order_id="long gone", deleted=True),
        event(NOW, 3, order_id="just over", status="Delivered"),
        event(NOW, 4, order_id="just gone", deleted=True),
    )
    puts, _ = restored()
    assert set(puts) == {"open", "just over", "just gone"}
    assert puts["open"].score == old
    assert puts["just gone"].score is None
    assert puts["open"].value == held("open")


@pytest.mark.django_db
def test_redis_gets_back_the_timelines_as_they_were():
    events = [event(NOW + i, i, status="Packed", note=f"n{i}") for i in range(60)]
    archive(*events, event(NOW, 60, eta=NOW))
    _, notes = restored()
    assert len(notes) == 50
    assert notes == reduce_orders(events, {}, NOW).notes[10:]
    assert {note.key for note in notes} == {f"{TIMELINE}ORD-1"}


@pytest.mark.django_db
def test_a_restored_timeline_tells_nothing_from_before_a_deletion():
    events = [event(NOW, 0, status="Packed", note="x"), event(NOW + 1, 1, deleted=True)]
    events.append(event(NOW + 2, 2, deleted=False, status="Placed"))
    archive(*events)
    _, notes = restored()
    assert notes == reduce_orders(events, {}, NOW).notes


@pytest.mark.django_db
def test_redis_gets_back_every_position():
    archive_positions([fix(NOW), fix(NOW, 1, name="Warehouse A")])
    [change] = restore_positions()
    assert {id for _, id in change.puts} == {"Asha", "Warehouse A"}
    assert change.puts[COURIERS, "Asha"].score == NOW
