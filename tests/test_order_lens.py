"""Viewers get what the lists allow: staff everything but the merge's own notes, the public its one order."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser, User

from orders.events import LocationEvent, OrderEvent
from orders.facts import facts_of
from orders.geo import distance
from orders.lens import StaffLens, TrackLens
from orders.positions import COURIERS, reduce_locations
from orders.state import ORDERS, reduce_orders
from orders.streams import open_orders
from realtime.api import FORBIDDEN, SIGNED_OUT, Denied, Part, Stamp, Value

NOW = 1_762_424_100_000
OUT = "Out for delivery"
SECRETS = ("Sandeep", "staff only", "Weber", "stamps", "wiped", "ORD-2", "battery")


def order(*said, order_id="ORD-1", rev=1):
    events = [OrderEvent(f"e{i}", order_id, Stamp(NOW + i, 0, i), facts_of(facts)) for i, facts in enumerate(said)]
    put = reduce_orders(events, {}, NOW).puts[ORDERS, order_id]
    return {(ORDERS, order_id): Value(put.value, rev)}


def position(name="Jonas Weber", rev=1, time=NOW, **more):
    event = LocationEvent("e", name, Stamp(time, 0, 0), **{"lat": 13.0827, "lng": 80.2707, **more})
    put = reduce_locations([event], {}, NOW).puts[COURIERS, name]
    return {(COURIERS, name): Value(put.value, rev)}


FULL = {
    "customerName": "Sandeep", "items": ["a"], "status": OUT, "note": "staff only", "publicNote": "soon",
    "courier": "Jonas Weber", "eta": NOW + 1, "due": NOW + 2, "destination": {"name": "Home", "lat": 13.1, "lng": 80.1},
}  # fmt: skip


def part(*values):
    return Part(values={id: value for some in values for id, value in some.items()})


# --- staff ------------------------------------------------------------------------------------------------------------


def test_staff_see_every_fact_and_rev_but_no_stamps():
    frame = StaffLens().frame(part(order(FULL, rev=9), position(speed=2, battery=50, rev=8)), held=None)
    assert frame == {
        "orders": [{**FULL, "orderId": "ORD-1", "times": {OUT: NOW}, "timestamp": NOW, "rev": 9}],
        "couriers": [
            {
                "name": "Jonas Weber",
                "lat": 13.0827,
                "lng": 80.2707,
                "timestamp": NOW,
                "speed": 2,
                "battery": 50,
                "rev": 8,
            }
        ],
    }


def test_an_empty_snapshot_is_a_whole_one():
    assert StaffLens().frame(Part(), held=None) == {"orders": [], "couriers": []}


def test_a_delta_holds_only_what_changed_and_deleted_or_gone_ids_are_removed():
    lens = StaffLens()
    assert lens.frame(part(order({"status": "Packed"})), held=0).keys() == {"orders"}
    gone = part(order(FULL, {"deleted": True}), {(ORDERS, "ORD-9"): Value(None, 2), (COURIERS, "x"): Value(None, 2)})
    assert lens.frame(gone, held=0) == {"removed": {"orders": ["ORD-1", "ORD-9"], "couriers": ["x"]}}
    assert lens.frame(Part(), held=0) is None


def test_a_tombstone_is_no_part_of_a_snapshot():
    assert StaffLens().frame(part(order(FULL, {"deleted": True})), held=None) == {"orders": [], "couriers": []}


def test_staff_share_one_encoding_and_read_whole_indexes():
    lens = StaffLens()
    assert lens.share == StaffLens().share
    assert (lens.ids(ORDERS, Part()), lens.ids(COURIERS, Part()), lens.wants()) == (None, None, ())


def test_only_staff_may_open_the_orders():
    assert isinstance(open_orders(User(is_staff=True), "", {}), StaffLens)
    assert open_orders(AnonymousUser(), "", {}).code == SIGNED_OUT
    assert open_orders(User(is_staff=False), "", {}).code == FORBIDDEN
    assert isinstance(open_orders(User(is_staff=True, is_active=False), "", {}), Denied)


# --- the public -------------------------------------------------------------------------------------------------------


def opened(*values, known=None):
    """A track lens after its snapshot, and the snapshot's frame."""
    lens = TrackLens("ORD-1", known)
    return lens, lens.frame(part(*values), held=None)


def test_the_public_sees_status_times_note_eta_first_name_and_a_rounded_position():
    _, frame = opened(order(FULL, rev=7), position(heading=90.4, speed=3, accuracy=4, battery=50, rev=6))
    place = frame["position"]
    assert frame["order"] == {
        "status": OUT, "times": {OUT: NOW}, "publicNote": "soon", "eta": NOW + 1, "courier": "Jonas",
        "destination": {"name": "Home", "lat": 13.1, "lng": 80.1}, "rev": 7,
    }  # fmt: skip
    assert set(place) == {"lat", "lng", "timestamp", "heading", "accuracy", "rev"}
    assert (place["heading"], place["accuracy"], place["rev"], place["timestamp"]) == (90, 50, 6, NOW)
    assert 0 < distance(place["lat"], place["lng"], 13.0827, 80.2707) < 36


def test_nothing_else_of_it_or_of_others_is_in_any_frame():
    lens, first = opened(order(FULL), position(battery=50))
    frames = [
        first,
        lens.frame(part(order({**FULL, "note": "x"}, order_id="ORD-2", rev=2), position(rev=2, lat=14)), held=0),
        lens.frame(part(order(FULL, {"publicNote": "later"}, rev=3)), held=0),
    ]
    text = json.dumps(frames)
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("status", ["Placed", "Shipped", "Delivered", "Failed attempt"])
def test_no_position_is_shown_or_read_but_on_the_way(status):
    values = order({**FULL, "status": status})
    lens, frame = opened(values, position())
    assert frame["position"] is None
    assert lens.ids(COURIERS, part(values)) == []


def test_a_snapshot_reads_its_order_and_then_the_courier_of_that_order():
    lens = TrackLens("ORD-1")
    assert lens.ids(ORDERS, Part()) == ["ORD-1"]
    assert lens.ids(COURIERS, part(order(FULL))) == ["Jonas Weber"]
    assert lens.ids(COURIERS, part(order({**FULL, "courier": None}))) == []


def test_a_position_that_may_now_be_shown_is_asked_for():
    lens, _ = opened(order({**FULL, "status": "Shipped"}))
    frame = lens.frame(part(order({**FULL, "status": "Shipped"}, {"status": OUT}, rev=2)), held=0)
    assert frame.keys() == {"order"}
    assert lens.wants() == ((COURIERS, "Jonas Weber"),)
    assert lens.frame(part(position(rev=2)), held=0).keys() == {"position"}
    assert lens.wants() == ()


def test_the_position_stops_once_with_null_when_the_order_is_delivered():
    lens, _ = opened(order(FULL), position())
    frame = lens.frame(part(order(FULL, {"status": "Delivered"}, rev=2), position(rev=2, lat=14)), held=0)
    assert frame["position"] is None
    assert lens.frame(part(position(rev=3, lat=15)), held=0) is None


def test_another_courier_takes_the_first_ones_position_away():
    lens, _ = opened(order(FULL), position())
    frame = lens.frame(part(order(FULL, {"courier": "Asha"}, rev=2), position(rev=2, lat=14)), held=0)
    assert (frame["order"]["courier"], frame["position"]) == ("Asha", None)
    assert lens.wants() == ((COURIERS, "Asha"),)
    assert lens.frame(part(position(rev=3, lat=15)), held=0) is None
    assert lens.frame(part(position("Asha", rev=3)), held=0)["position"]["rev"] == 3


def test_an_older_rev_moves_nothing():
    lens, _ = opened(order(FULL, rev=5), position(rev=5))
    assert lens.frame(part(order(FULL, {"status": "Delivered"}, rev=4), position(rev=4, lat=14)), held=0) is None


def test_a_change_that_the_public_may_not_see_sends_nothing():
    lens, _ = opened(order(FULL))
    assert lens.frame(part(order(FULL, {"note": "angry", "customerName": "S"}, rev=2)), held=0) is None


def test_a_new_epochs_snapshot_counts_though_its_revs_are_lower():
    lens, _ = opened(order(FULL, rev=500), position(rev=500))
    frame = lens.frame(part(order(FULL, {"status": "Delivered"}, rev=1)), held=None)
    assert (frame["order"]["status"], frame["order"]["rev"], frame["position"]) == ("Delivered", 1, None)


def test_a_snapshot_in_two_pieces_keeps_the_order_of_the_first():
    lens, first = opened(order(FULL, rev=3))
    second = lens.frame(part(position(rev=3)), held=None)
    assert first["position"] is None
    assert second["order"] == first["order"]
    assert second["position"]["rev"] == 3


def test_a_deleted_order_is_null():
    lens, _ = opened(order(FULL), position())
    frame = lens.frame(part(order(FULL, {"deleted": True}, rev=2)), held=0)
    assert frame == {"order": None, "position": None}
    assert opened(order(FULL, {"deleted": True}))[1] == {"order": None, "position": None}


def test_what_only_the_database_holds_is_shown_until_redis_has_it():
    known = order({**FULL, "status": "Delivered"})[ORDERS, "ORD-1"].data
    lens, frame = opened({(ORDERS, "ORD-1"): Value(None, 4)}, known=known)
    assert frame["order"]["status"] == "Delivered"
    assert lens.frame(part({(ORDERS, "ORD-1"): Value(None, 5)}), held=0) is None
    assert lens.frame(part(order(FULL, rev=6)), held=0)["order"]["status"] == OUT


def test_nobody_shares_a_track_lens():
    assert TrackLens("ORD-1").share is None
