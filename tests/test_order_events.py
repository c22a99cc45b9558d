"""Records of `order-updates` and `location-updates` become events, or say exactly why not."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from orders.events import decode_location, decode_order
from orders.facts import STATUSES, Place
from realtime.api import Malformed, Record, Stamp

APPENDED = 1_762_424_053_000
BRIEF_ORDER = b'{"orderId":"ORD-49915","status":"Packed","timestamp":1762424052948}'
BRIEF_POSITION = b'{"name":"Warehouse A","lat":13.0827,"lng":80.2707}'


def record(value, *, key=None, headers=(), offset=7):
    if value is not None and not isinstance(value, bytes):
        value = json.dumps(value).encode()
    return Record("order-updates", "k3f", 2, offset, APPENDED, key, value, headers)


def order(value, **kwargs):
    [event] = decode_order(record(value, **kwargs))
    return event


def fix(value, **kwargs):
    [event] = decode_location(record(value, **kwargs))
    return event


@pytest.mark.parametrize("key", [None, b"ORD-49915", b"\xff"])
def test_the_briefs_order_message_is_taken_as_it_stands_with_or_without_a_key(key):
    event = order(BRIEF_ORDER, key=key)
    assert event.order_id == "ORD-49915"
    assert event.facts.status == "Packed"
    assert event.stamp == Stamp(1_762_424_052_948, 2, 7)
    assert event.id == "order-updates-k3f-2-7"


@pytest.mark.parametrize("key", [None, b"Warehouse A"])
def test_the_briefs_position_is_taken_as_it_stands_with_or_without_a_key(key):
    event = fix(BRIEF_POSITION, key=key)
    assert (event.name, event.lat, event.lng) == ("Warehouse A", 13.0827, 80.2707)
    assert event.stamp.time == APPENDED
    assert event.heading is None


def test_every_field_of_the_protocol_is_read():
    event = order(
        {
            "orderId": "ORD-J7818",
            "customerName": " Sandeep ",
            "items": ["a", "b"],
            "status": "Out for delivery",
            "note": "call",
            "publicNote": "soon",
            "courier": "Asha",
            "eta": 1_762_424_100,
            "due": "2025-11-06T12:00:00Z",
            "destination": {"name": "Home", "lat": 13, "lng": 80},
            "deleted": False,
        }
    )
    facts = event.facts
    assert (facts.customer_name, facts.items, facts.courier) == ("Sandeep", ["a", "b"], "Asha")
    assert (facts.note, facts.public_note, facts.deleted) == ("call", "soon", False)
    assert facts.eta == 1_762_424_100_000
    assert facts.due == 1_762_430_400_000
    assert facts.destination == Place(name="Home", lat=13, lng=80)


def test_every_field_of_a_position_is_read_and_lon_stands_for_lng():
    event = fix(
        {
            "name": "Asha",
            "lat": 13.1,
            "lon": 80.2,
            "orderId": "ORD-1",
            "accuracy": 5,
            "speed": 3.5,
            "heading": 360,
            "battery": 80,
            "source": "replay",
            "timescale": 60,
            "timestamp": "2025-11-06T10:14:12.948Z",
        }
    )
    assert (event.lng, event.order_id, event.accuracy, event.speed) == (80.2, "ORD-1", 5, 3.5)
    assert (event.heading, event.battery, event.source, event.timescale) == (0, 80, "replay", 60)
    assert event.stamp.time == 1_762_424_052_948


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_known_in_any_case(status):
    assert order({"orderId": "A", "status": status.upper()}).facts.status == status
    assert order({"orderId": "A", "status": f" {status.lower()} "}).facts.status == status


def test_null_empties_a_field_and_what_is_not_named_stays_unsaid():
    facts = order({"orderId": "A", "courier": None, "eta": None, "due": None, "destination": None, "note": ""}).facts
    assert (facts.courier, facts.eta, facts.due, facts.destination, facts.note) == (None,) * 5
    assert facts.status is UNSET
    assert facts.customer_name is UNSET


def test_a_null_status_or_deleted_says_nothing():
    facts = order({"orderId": "A", "status": None, "deleted": None, "note": "x"}).facts
    assert (facts.status, facts.deleted) == (UNSET, UNSET)


def test_unknown_fields_are_ignored():
    assert order({"orderId": "A", "status": "Placed", "x": {"y": [1, 2]}}).facts.status == "Placed"


def test_a_clock_more_than_a_minute_ahead_is_ordered_by_the_append_time():
    assert order({"orderId": "A", "status": "Placed", "timestamp": APPENDED + 59_000}).stamp.time == APPENDED + 59_000
    assert order({"orderId": "A", "status": "Placed", "timestamp": APPENDED + 61_000}).stamp.time == APPENDED


def test_the_cloudevents_id_is_the_events_id_and_any_foreign_one_is_made_to_fit():
    assert order(BRIEF_ORDER, headers=(("ce_id", b"abc"), ("ce_source", b"shop"))).id == "abc"
    assert order(BRIEF_ORDER, headers=(("ce_id", b"abc"), ("ce_source", b"shop"))).source == "shop"
    assert len(order(BRIEF_ORDER, headers=(("ce_id", b"x" * 5000),)).id) == 64
    assert "\0" not in order(BRIEF_ORDER, headers=(("ce_id", b"a\0"),)).id


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert order(b'{"orderId":"A","note":"a\\\\u0000"}').facts.note == "a\\u0000"


YEAR_3000 = 32_503_680_000_000
BAD_ORDERS = [
    ("empty", None, "null"),
    ("empty", b"", "no text"),
    ("empty", b" \n", "no text"),
    ("too_large", b'{"orderId":"A","note":"' + b"x" * 2_000_000 + b'"}', "2000025"),
    ("not_utf8", b"\xff\xfe", "0xff"),
    ("not_utf8", b'{"orderId":"A","status":"Packed","x":"\xe9"}', "0xe9"),
    ("not_json", b"Packed", "Packed"),
    ("not_json", BRIEF_ORDER[:-1], "line 1"),
    ("not_json", b'{"orderId":"A","x":' + b"[" * 100_000, "nested"),
    ("not_json", b'{"orderId":"A","note":"\\ud800"}', "d800"),
    ("not_object", b"[1]", "[1]"),
    ("not_object", b'"ORD-49915"', "ORD-49915"),
    ("not_object", b"null", "None"),
    ("missing_order_id", {"status": "Packed"}, "orderId"),
    ("missing_order_id", {"orderId": None, "status": "Packed"}, "orderId"),
    ("missing_order_id", {"orderId": "", "status": "Packed"}, "orderId"),
    ("bad_field", {"orderId": 49915, "status": "Packed"}, "49915"),
    ("bad_field", {"orderId": "x" * 65, "status": "Packed"}, "1 to 64"),
    ("bad_field", {"orderId": " A", "status": "Packed"}, "' A'"),
    ("bad_field", {"orderId": "A\n", "status": "Packed"}, "printable"),
    ("bad_field", {"orderId": "A"}, "none of"),
    ("bad_field", {"orderId": "A", "items": ["a", 4]}, "items[1] is 4"),
    ("bad_field", {"orderId": "A", "items": "a"}, "items"),
    ("bad_field", {"orderId": "A", "deleted": "yes"}, "deleted"),
    ("bad_field", {"orderId": "A", "note": "x" * 1001}, "1000"),
    ("bad_field", {"orderId": "A", "note": "a\0b"}, "NUL"),
    ("bad_field", {"orderId": "A", "destination": "Home"}, "destination"),
    ("unknown_status", {"orderId": "A", "status": "Lost"}, "'Lost'"),
    ("unknown_status", {"orderId": "A", "status": ""}, "''"),
    ("unknown_status", {"orderId": "A", "status": 4}, "4"),
    ("bad_latitude", {"orderId": "A", "destination": {"lat": 91, "lng": 0}}, "destination.lat is 91"),
    ("bad_latitude", {"orderId": "A", "destination": {"lng": 0}}, "destination.lat is missing"),
    ("bad_longitude", {"orderId": "A", "destination": {"lat": 0, "lng": -181}}, "-181"),
    ("bad_number", {"orderId": "A", "destination": {"lat": "13", "lng": 0}}, "'13'"),
    ("bad_number", b'{"orderId":"A","eta":NaN}', "eta is nan"),
    ("bad_number", b'{"orderId":"A","eta":-Infinity}', "eta is -inf"),
    ("bad_number", b'{"orderId":"A","eta":1e999}', "eta is inf"),
    ("bad_timestamp", {"orderId": "A", "status": "Packed", "timestamp": YEAR_3000}, str(YEAR_3000)),
    ("bad_timestamp", {"orderId": "A", "status": "Packed", "timestamp": 0}, "before the year 2000"),
    ("bad_timestamp", {"orderId": "A", "status": "Packed", "timestamp": "yesterday"}, "yesterday"),
    ("bad_timestamp", {"orderId": "A", "status": "Packed", "timestamp": True}, "True"),
    ("bad_timestamp", {"orderId": "A", "status": "Packed", "timestamp": {}}, "{}"),
    ("bad_timestamp", {"orderId": "A", "due": YEAR_3000}, "due"),
    ("bad_timestamp", {"orderId": "A", "eta": "soon"}, "soon"),
]
BAD_POSITIONS = [
    ("empty", None, "null"),
    ("not_object", b"13.08", "13.08"),
    ("missing_name", {"lat": 1, "lng": 1}, "name"),
    ("missing_name", {"name": "", "lat": 1, "lng": 1}, "name"),
    ("bad_field", {"name": "x" * 101, "lat": 1, "lng": 1}, "1 to 100"),
    ("bad_field", {"name": "A", "lat": 1, "lng": 1, "orderId": 4}, "orderId is 4"),
    ("bad_latitude", {"name": "A", "lat": 91, "lng": 1}, "lat is 91"),
    ("bad_latitude", {"name": "A", "lng": 1}, "lat is missing"),
    ("bad_longitude", {"name": "A", "lat": 1}, "lng is missing"),
    ("bad_longitude", {"name": "A", "lat": 1, "lon": 180.5}, "lon is 180.5"),
    ("bad_number", b'{"name":"A","lat":NaN,"lng":1}', "lat is nan"),
    ("bad_number", {"name": "A", "lat": None, "lng": 1}, "None"),
    ("bad_number", {"name": "A", "lat": "13.08", "lng": 1}, "'13.08'"),
    ("bad_number", {"name": "A", "lat": 1, "lng": 1, "speed": -1}, "speed is -1"),
    ("bad_number", {"name": "A", "lat": 1, "lng": 1, "heading": 361}, "heading is 361"),
    ("bad_number", {"name": "A", "lat": 1, "lng": 1, "timescale": 0}, "timescale is 0"),
    ("bad_timestamp", {"name": "A", "lat": 1, "lng": 1, "timestamp": YEAR_3000}, str(YEAR_3000)),
]


@pytest.mark.parametrize(("reason", "value", "names"), BAD_ORDERS)
def test_a_record_that_can_be_no_order_event_says_why(reason, value, names):
    answer = decode_order(record(value))
    assert isinstance(answer, Malformed)
    assert answer.reason == reason
    assert names in answer.detail
    assert len(answer.detail) < 300


@pytest.mark.parametrize(("reason", "value", "names"), BAD_POSITIONS)
def test_a_record_that_can_be_no_position_says_why(reason, value, names):
    answer = decode_location(record(value))
    assert isinstance(answer, Malformed)
    assert answer.reason == reason
    assert names in answer.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "orderId", "name", "status", "timestamp", "lat", "lng", "lon", "eta", "due", "items", "destination", "deleted",
    "note", "courier", "customerName", "speed", "heading", "accuracy", "battery", "source", "timescale",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON)
@example({"orderId": "A", "status": "Packed", "timestamp": 10**400})
@example({"orderId": "A", "status": "Packed", "timestamp": "9" * 5000})
@example({"orderId": "A", "destination": {"lat": 10**400, "lng": 0}})
@example({"orderId": "A", "timestamp": "0001-01-01T00:00:00+14:00", "note": "x"})
def test_no_json_makes_decode_raise(value):
    for decode in (decode_order, decode_location):
        answer = decode(record(value))
        assert isinstance(answer, Malformed) or len(answer) == 1


@given(st.binary(max_size=100) | st.binary(max_size=30).map(lambda some: BRIEF_ORDER[:-1] + some))
@example(b'{"orderId":"A","status":"Packed","timestamp":' + b"9" * 5000 + b"}")
def test_no_bytes_make_decode_raise(value):
    for decode in (decode_order, decode_location):
        answer = decode(record(value))
        assert isinstance(answer, Malformed) or len(answer) == 1
