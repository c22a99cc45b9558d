"""Staff may ask for some orders and couriers; what no longer matches leaves, and only where it was shown."""

import pytest
from django.contrib.auth.models import User

from orders.lens import StaffLens
from orders.positions import COURIERS
from orders.selection import BadFilter, Box, read_filter
from orders.state import ORDERS
from orders.streams import open_orders
from realtime.api import NOT_UNDERSTOOD, Denied, Part, Value
from tests.test_order_lens import order, position

CHENNAI = "80,12.8,80.5,13.3"


def lens(**asked: str) -> StaffLens:
    return StaffLens(read_filter(asked))


def part(*values) -> Part:
    return Part(values={id: value for some in values for id, value in some.items()})


def placed(status="Packed", id="ORD-1", rev=1, **facts):
    return order({"status": status, **facts}, order_id=id, rev=rev)


def ids(frame) -> set[str]:
    return {item["orderId"] for item in (frame or {}).get("orders", ())} | {
        item["name"] for item in (frame or {}).get("couriers", ())
    }


def test_status_courier_and_bounds_choose_orders():
    inside, outside = ({"destination": {"lat": 13.0, "lng": lng}} for lng in (80.2, 81.0))
    all_of_them = part(
        placed("Packed", "ORD-1", courier="Asha", **inside),
        placed("Shipped", "ORD-2", courier="Asha", **outside),
        placed("Delivered", "ORD-3", courier="Ravi", **inside),
        placed("Packed", "ORD-4"),
    )
    for asked, found in (
        ({}, {"ORD-1", "ORD-2", "ORD-3", "ORD-4"}),
        ({"status": "packed, Shipped"}, {"ORD-1", "ORD-2", "ORD-4"}),
        ({"courier": "Asha"}, {"ORD-1", "ORD-2"}),
        ({"bbox": CHENNAI}, {"ORD-1", "ORD-3"}),
        ({"status": "Packed", "courier": "Asha", "bbox": CHENNAI}, {"ORD-1"}),
    ):
        assert ids(lens(**asked).frame(all_of_them, None)) == found, asked


def test_courier_and_bounds_choose_positions_and_a_status_none():
    where = part(position("Asha", lat=13.0, lng=80.2), position("Ravi", lat=13.0, lng=81.0))
    for asked, found in (({"status": "Packed"}, {"Asha", "Ravi"}), ({"courier": "Ravi"}, {"Ravi"})):
        assert ids(lens(**asked).frame(where, None)) == found
    assert ids(lens(bbox=CHENNAI).frame(where, None)) == {"Asha"}


def test_orders_are_chosen_by_id_and_nothing_else_is_read_or_decoded():
    some = lens(orders="ORD-1, ORD-3")
    assert list(some.ids(ORDERS, Part())) == ["ORD-1", "ORD-3"]
    assert list(some.ids(COURIERS, Part())) == []
    all_of_them = part(placed(id="ORD-1"), placed(id="ORD-2"), placed(id="ORD-3"), position("Asha"))
    assert ids(some.frame(all_of_them, None)) == {"ORD-1", "ORD-3"}
    assert not some.concerns(part(placed(id="ORD-2", rev=2), position("Asha", rev=2)))
    changed = some.frame(part(placed(id="ORD-2", rev=2), placed("Shipped", "ORD-1", rev=2)), held=1)
    assert ids(changed) == {"ORD-1"}
    gone = part({(ORDERS, "ORD-3"): Value(None, 3), (ORDERS, "ORD-2"): Value(None, 3)})
    assert some.frame(gone, held=2) == {"removed": {"orders": ["ORD-3"]}}
    assert lens().ids(ORDERS, Part()) is None


def test_a_box_may_cross_the_180th_meridian():
    box = Box(170, -20, -170, 0)
    assert box.holds(-10, 175)
    assert box.holds(-10, -175)
    assert not box.holds(-10, 0)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"status": "Teleported"}, "Teleported"),
        ({"bbox": "1,2,3"}, "west,south,east,north"),
        ({"bbox": "1,2,3,north"}, "west,south,east,north"),
        ({"bbox": "1,2,3,4,5"}, "west,south,east,north"),
        ({"bbox": "0,50,10,40"}, "in this order"),
        ({"bbox": "0,nan,10,40"}, "-90 to 90"),
        ({"bbox": "0,-100,10,40"}, "-90 to 90"),
        ({"bbox": "-190,0,10,40"}, "-180 to 180"),
        ({"courier": "x" * 101}, "100"),
        ({"orders": "x" * 65}, "64"),
        ({"orders": ",".join(f"ORD-{n}" for n in range(501))}, "at most 500"),
    ],
)
def test_a_filter_that_says_nothing_is_refused_with_name_value_and_rule(asked, word):
    with pytest.raises(BadFilter, match=next(iter(asked))) as refused:
        read_filter(asked)
    assert word in str(refused.value)
    denied = open_orders(User(is_staff=True), "", asked)
    assert isinstance(denied, Denied)
    assert denied.code == NOT_UNDERSTOOD


def test_what_no_longer_matches_is_removed_once():
    packed = lens(status="Packed")
    packed.frame(part(placed("Packed", rev=5)), None)
    assert packed.frame(part(placed("Shipped", rev=7)), held=5) == {"removed": {"orders": ["ORD-1"]}}
    assert packed.frame(part(placed("Delivered", rev=9)), held=7) is None
    assert ids(packed.frame(part(placed("Packed", rev=11)), held=9)) == {"ORD-1"}
    assert packed.frame(part({(ORDERS, "ORD-1"): Value(None, 12)}), held=11) == {"removed": {"orders": ["ORD-1"]}}


def test_what_was_never_shown_is_not_removed():
    chennai = lens(bbox=CHENNAI)
    chennai.frame(part(position("Asha", rev=1)), None)
    elsewhere = [position(f"courier {n}", rev=2, lng=70.0) for n in range(50)]
    assert chennai.frame(part(*elsewhere, placed(id="ORD-7", rev=2)), held=1) is None
    assert chennai.frame(part(position("Asha", rev=3, lng=70.0)), held=2) == {"removed": {"couriers": ["Asha"]}}


def test_each_viewer_is_told_what_left_since_it_looked_however_slow_it_is():
    packed = lens(status="Packed")
    packed.frame(part(placed("Packed", rev=5)), None)  # all viewers hold 5
    shipped = part(placed("Shipped", rev=7))
    assert packed.frame(shipped, held=5) == {"removed": {"orders": ["ORD-1"]}}  # the quick one
    assert packed.frame(part(placed("Shipped", rev=8)), held=7) is None
    assert packed.frame(part(placed("Shipped", rev=8)), held=5) == {"removed": {"orders": ["ORD-1"]}}  # the slow one


def test_a_filtered_lens_says_what_it_can_no_longer_tell(monkeypatch):
    from orders import lens as module

    monkeypatch.setattr(module, "MANY", 3)
    packed = lens(status="Packed")
    for n in range(6):
        packed.frame(part(placed("Packed", f"ORD-{n}", rev=n)), None)
        packed.frame(part(placed("Shipped", f"ORD-{n}", rev=10 + n)), held=9)
    assert packed.knows(0)
    packed.forget(12)
    assert not packed.knows(11)
    assert packed.knows(12)
    removed = packed.frame(part(*(placed("Shipped", f"ORD-{n}", rev=20) for n in range(6))), held=12)
    assert removed == {"removed": {"orders": ["ORD-3", "ORD-4", "ORD-5"]}}


def test_only_the_lens_that_showed_something_knows_who_comes_back():
    assert lens().name == lens().name
    assert lens(status="Packed").share == lens(status="packed").share
    assert lens(status="Packed").name != lens(status="Packed").name
    packed = lens(status="Packed")
    before = packed.name
    packed.restart()
    assert packed.name != before
