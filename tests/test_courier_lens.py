"""A courier sees its own open orders, and of them what it needs to bring them."""

import json

from orders.courier_lens import CourierLens
from orders.events import LocationEvent, OrderEvent
from orders.facts import facts_of
from orders.positions import COURIERS, reduce_locations
from orders.state import ORDERS, reduce_orders
from realtime.api import Part, Stamp, Value

NOW = 1_762_424_100_000
NAME = 'Asha "Speedy" Ö'
FULL = {
    "customerName": "Sandeep", "items": ["a"], "status": "Packed", "note": "cash", "publicNote": "soon",
    "courier": NAME, "eta": NOW + 1, "due": NOW + 2, "destination": {"name": "Home", "lat": 13.1, "lng": 80.1},
}  # fmt: skip


def order(id, *said, rev=1):
    events = [OrderEvent(f"e{i}", id, Stamp(NOW + i, 0, i), facts_of(facts)) for i, facts in enumerate(said)]
    return {(ORDERS, id): Value(reduce_orders(events, {}, NOW).puts[ORDERS, id].value, rev)}


def part(*values):
    return Part(values={id: value for some in values for id, value in some.items()})


def opened(*values):
    lens = CourierLens(NAME)
    return lens, lens.frame(part(*values), None)


def test_a_courier_sees_of_its_order_exactly_what_is_allowed():
    _, frame = opened(order("ORD-1", FULL, rev=7))
    allowed = {"orderId", "status", "customerName", "items", "destination", "due", "note", "publicNote", "rev"}
    assert set(frame["orders"][0]) == allowed
    assert frame["orders"][0] == {name: value for name, value in FULL.items() if name in allowed} | {
        "orderId": "ORD-1", "rev": 7,
    }  # fmt: skip


def test_nothing_of_another_courier_is_in_any_frame():
    fix = LocationEvent("e", "Ravi", Stamp(NOW, 0, 0), 13.0, 80.0)
    position = {(COURIERS, "Ravi"): Value(reduce_locations([fix], {}, NOW).puts[COURIERS, "Ravi"].value, 2)}
    foreign = order("ORD-2", FULL | {"courier": "Ravi", "customerName": NAME, "note": f"ask {NAME}"}, rev=2)
    lens, frame = opened(foreign, position, order("ORD-3", {"status": "Packed"}), order("ORD-1", FULL))
    assert [one["orderId"] for one in frame["orders"]] == ["ORD-1"]
    assert lens.frame(part(foreign, position), 1) is None
    assert "Ravi" not in json.dumps(frame)


def test_orders_come_with_their_assignment_and_go_when_they_are_over_deleted_or_somebody_elses():
    for ending in ({"status": "Delivered"}, {"deleted": True}, {"courier": "Ravi"}, {"courier": None}):
        lens, frame = opened(order("ORD-1", {"status": "Packed"}))
        assert frame == {"orders": []}
        come = lens.frame(part(order("ORD-1", FULL, rev=2)), 1)
        assert [one["orderId"] for one in come["orders"]] == ["ORD-1"]
        gone = lens.frame(part(order("ORD-1", FULL, ending, rev=3)), 1)
        assert gone == {"removed": {"orders": ["ORD-1"]}}
        assert lens.frame(part(order("ORD-1", FULL, ending, {"note": "x"}, rev=4)), 1) is None


def test_an_order_that_leaves_redis_is_removed():
    lens, _ = opened(order("ORD-1", FULL))
    assert lens.frame(part({(ORDERS, "ORD-1"): Value(None, 2)}), 1) == {"removed": {"orders": ["ORD-1"]}}


def test_what_is_older_than_what_was_shown_changes_nothing_but_a_new_life_does():
    lens, _ = opened(order("ORD-1", FULL, rev=9))
    assert lens.frame(part(order("ORD-1", FULL | {"courier": "Ravi"}, rev=8)), 1) is None
    lens.frame(part(order("ORD-1", FULL, {"note": "x"}, rev=10)), 1)
    lens.restart()
    assert lens.frame(Part(), None) == {"orders": []}
    assert lens.frame(part(order("ORD-1", FULL, rev=1)), 1)["orders"][0]["rev"] == 1


def test_a_snapshot_reads_all_orders_and_no_position():
    assert CourierLens(NAME).ids(ORDERS, Part()) is None
    assert CourierLens(NAME).ids(COURIERS, Part()) == ()


def test_positions_do_not_concern_it_and_of_a_snapshot_it_keeps_its_own_orders():
    lens = CourierLens(NAME)
    fix = LocationEvent("e", NAME, Stamp(NOW, 0, 0), 13.0, 80.0)
    position = {(COURIERS, NAME): Value(reduce_locations([fix], {}, NOW).puts[COURIERS, NAME].value, 2)}
    assert not lens.concerns(part(position))
    [(own, own_value)], [(other, other_value)] = order("ORD-1", FULL).items(), order("ORD-2", {"note": NAME}).items()
    assert lens.concerns(Part(values={other: other_value}))
    assert (lens.sees(own, own_value), lens.sees(other, other_value)) == (True, False)
