"""An order's state does not depend on the order, the repetition or the batches of its events."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.events import OrderEvent
from orders.facts import facts_of
from orders.state import ORDERS, TIMELINE, join_orders, order_keys, reduce_orders
from realtime.api import Stamp

NOW = 1_762_424_100_000
HOUR = 3_600_000


def event(time, offset=0, *, id="", order_id="ORD-1", partition=0, **said):
    stamp = Stamp(time, partition, offset)
    return OrderEvent(id or f"{partition}-{offset}", order_id, stamp, facts_of(said))


def reduce(events, value=None, order_id="ORD-1"):
    return reduce_orders(events, {(ORDERS, order_id): value}, NOW)


def result(events, value=None):
    return reduce(events, value).puts[ORDERS, "ORD-1"].value


def shown(events, value=None):
    return json.loads(result(events, value))


FACTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["Placed", "Packed", "Delivered"]),
        "note": st.sampled_from(["a", "b", None]),
        "courier": st.sampled_from(["Asha", "Milan", None]),
        "items": st.sampled_from([["a"], ["a", "b"], None]),
        "eta": st.sampled_from([NOW, NOW + 1, None]),
        "destination": st.sampled_from([{"lat": 1, "lng": 2}, None]),
        "deleted": st.booleans(),
    },
)


@st.composite
def histories(draw):
    """Events of one order, no two from the same record, close together in time so that stamps tie on it."""
    places = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), unique=True, min_size=1, max_size=9))
    return [
        event(NOW + draw(st.integers(0, 6)), offset, partition=partition, **draw(FACTS)) for partition, offset in places
    ]


@given(histories(), st.data())
@settings(max_examples=300)
def test_any_order_repetition_and_split_of_events_gives_the_same_bytes(events, data):
    expected = result(events)
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    value = None
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        if shuffled[start:end]:
            value = result(shuffled[start:end], value)
    assert value == expected


@given(st.lists(histories(), min_size=1, max_size=3), st.data())
def test_any_batches_of_several_orders_reduce_to_the_state_of_each_alone(orders, data):
    named = {f"ORD-{n}": [one._replace(order_id=f"ORD-{n}") for one in its] for n, its in enumerate(orders)}
    events = [one for its in named.values() for one in its]
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=6)))
    held = {}
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        change = reduce_orders(shuffled[start:end], held, NOW)
        held |= {id: put.value for id, put in change.puts.items()}
    assert held == {id: put.value for its in named.values() for id, put in reduce_orders(its, {}, NOW).puts.items()}


@given(histories(), histories(), st.data())
@settings(max_examples=200)
def test_two_states_join_to_the_state_of_all_their_events(ours, theirs, data):
    theirs = [one._replace(stamp=one.stamp._replace(partition=one.stamp.partition + 3)) for one in theirs]
    overlap = data.draw(st.lists(st.sampled_from(ours)))
    left, right = result(ours), result(theirs + overlap)
    expected = result(ours + theirs)
    assert join_orders((ORDERS, "ORD-1"), left, right).value == expected
    assert join_orders((ORDERS, "ORD-1"), right, left).value == expected
    assert join_orders((ORDERS, "ORD-1"), left, left).value == left


@given(histories())
def test_a_tombstone_holds_nothing_of_what_came_before_it(events):
    last = max(one.stamp for one in events)
    gone = event(last.time + 1, 99, deleted=True)
    value = json.loads(result([*events, gone]))
    assert value["deleted"] is True
    assert set(value) == {"orderId", "deleted", "timestamp", "stamps", "wiped"}
    assert set(value["stamps"]) == {"deleted"}


def test_the_value_is_the_briefs_json_with_stamps():
    value = shown([event(NOW, customerName="Sandeep", items=["a", "b"], status="Packed")])
    assert value == {
        "orderId": "ORD-1",
        "customerName": "Sandeep",
        "items": ["a", "b"],
        "status": "Packed",
        "times": {"Packed": NOW},
        "timestamp": NOW,
        "stamps": {"customerName": [NOW, 0, 0], "items": [NOW, 0, 0], "status": [NOW, 0, 0]},
    }


def test_the_newer_stamp_wins_each_field_of_its_own():
    value = shown([event(NOW + 5, 1, status="Shipped"), event(NOW, 2, status="Packed", courier="Asha")])
    assert value["status"] == "Shipped"
    assert value["courier"] == "Asha"
    assert value["times"] == {"Packed": NOW, "Shipped": NOW + 5}


def test_a_cleared_field_stays_clear_against_older_events():
    value = shown([event(NOW + 1, 1, courier=None), event(NOW, 2, courier="Asha")])
    assert "courier" not in value


def test_our_own_save_is_confirmed_by_the_record_that_comes_back():
    saved = OrderEvent("x", "ORD-1", Stamp(NOW), facts_of({"status": "Packed"}))
    back = event(NOW, 8, id="x", status="Packed")
    assert result([saved, back]) == result([back])


def test_what_is_stamped_after_a_deletion_waits_for_the_revival():
    gone = [
        event(NOW, 0, status="Packed", note="x"),
        event(NOW + 1, 1, deleted=True),
        event(NOW + 2, 2, status="Shipped"),
    ]
    assert shown(gone)["deleted"] is True
    assert reduce(gone).puts[ORDERS, "ORD-1"].score is None
    alive = [*gone, event(NOW + 3, 3, deleted=False)]
    value = shown(alive)
    assert "deleted" not in value
    assert (value["status"], value.get("note")) == ("Shipped", None)
    assert value["times"] == {"Shipped": NOW + 2}
    assert reduce(alive).puts[ORDERS, "ORD-1"].score == NOW + 3


def test_a_revival_older_than_the_deletion_revives_nothing():
    value = shown([event(NOW + 1, 1, deleted=True), event(NOW, 2, deleted=False, status="Packed")])
    assert value["deleted"] is True
    assert "status" not in value


def test_events_of_one_order_in_a_batch_are_one_put_and_orders_do_not_mix():
    events = [
        event(NOW, 0, status="Placed"),
        event(NOW, 1, order_id="ORD-2", status="Packed"),
        event(NOW + 1, 2, note="n"),
    ]
    assert order_keys(events) == [(ORDERS, "ORD-1"), (ORDERS, "ORD-2")]
    change = reduce_orders(events, {}, NOW)
    assert set(change.puts) == {(ORDERS, "ORD-1"), (ORDERS, "ORD-2")}
    assert change.puts[ORDERS, "ORD-1"].score == NOW + 1


def test_a_value_that_nobody_of_us_wrote_does_not_stop_the_worker():
    assert shown([event(NOW, status="Packed")], b"not json")["status"] == "Packed"
    assert shown([event(NOW, status="Packed")], b'{"orderId":"ORD-1","status":"Placed"}')["status"] == "Packed"


def notes(change):
    return [json.loads(note.member) for note in change.notes]


def test_the_timeline_holds_what_people_read():
    change = reduce(
        [event(NOW, 0, status="Packed", customerName="S"), event(NOW + 1, 1, eta=NOW), event(NOW, 2, note="n")]
    )
    assert notes(change) == [{"id": "0-0", "time": NOW, "status": "Packed"}, {"id": "0-2", "time": NOW, "note": "n"}]
    assert {(note.key, note.score, note.keep) for note in change.notes} == {(f"{TIMELINE}ORD-1", NOW, 50)}
    assert change.clears == {}


def test_a_repeated_event_is_the_same_member_of_the_timeline():
    first, second = (reduce([event(NOW, 0, status="Packed")]).notes for _ in range(2))
    assert first == second


def test_a_deletion_clears_the_timeline_and_nothing_older_joins_it():
    gone = event(NOW + 1, 1, deleted=True, note="secret")
    change = reduce([event(NOW, 0, status="Packed"), gone])
    assert change.clears == {f"{TIMELINE}ORD-1": NOW + 1}
    assert notes(change) == [{"id": "0-1", "time": NOW + 1, "deleted": True}]
    value = change.puts[ORDERS, "ORD-1"].value
    late = reduce([event(NOW - 1, 2, note="late"), gone, event(NOW + 2, 3, deleted=False)], value)
    assert late.clears == {}
    assert [note.get("deleted") for note in notes(late)] == [True, False]


def test_a_deletion_that_arrives_late_leaves_what_the_timeline_holds_of_later():
    value = reduce([event(NOW + 5, 0, deleted=False, status="Placed")]).puts[ORDERS, "ORD-1"].value
    late = reduce([event(NOW, 1, deleted=True)], value)
    assert late.clears == {f"{TIMELINE}ORD-1": NOW}, "only what stands at the deletion's time or before goes"


def test_finished_orders_leave_redis_after_the_keep_time_and_open_ones_never_do():
    for status, over in [("Delivered", True), ("Cancelled", True), ("Returned", True), ("Failed attempt", False)]:
        put = reduce_orders([event(NOW, status=status)], {}, NOW, HOUR).puts[ORDERS, "ORD-1"]
        assert put.until == (NOW + HOUR if over else None)
    assert reduce_orders([event(NOW, deleted=True)], {}, NOW, HOUR).puts[ORDERS, "ORD-1"].until == NOW + HOUR


def test_an_order_that_goes_on_after_all_stays():
    events = [event(NOW, 0, status="Delivered"), event(NOW + 1, 1, status="Out for delivery")]
    assert reduce_orders(events, {}, NOW, HOUR).puts[ORDERS, "ORD-1"].until is None


def test_an_orders_timeline_goes_with_it():
    assert ORDERS.beside == (TIMELINE,)
