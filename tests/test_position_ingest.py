"""Positions over HTTP: JSON, Traccar Client and OwnTracks arrive in Kafka as fixes of the device that a key is for."""

import base64
import json
import time
import uuid
from collections.abc import Iterator

import pytest
from django.test import override_settings

from orders.events import LocationEvent, decode_location
from orders.ingest import KNOT_M_S, osmand_json, osmand_query, owntracks, sort_out
from orders.positions import COURIERS
from orders.whereabouts import decode
from realtime import acks
from realtime.api import peek
from realtime.ingestkeys import issue
from realtime.models import IngestKey
from realtime.state.connection import client as redis
from realtime.testing import drain
from realtime.topics import Topics
from tests.topic import Reader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

LOCATIONS, OSMAND, OWNTRACKS = (f"/api/ingest/{name}" for name in ("locations", "osmand", "owntracks"))
NOW = 1_762_424_100_000


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> str:
    topics = Topics()
    topics.create(["location-updates"])
    topics.close()
    return kafka_bootstrap


@pytest.fixture
def name() -> str:
    return f"c-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def arrived(topics: str, name: str) -> Iterator:
    """The fixes of this test's device, in the order of their records."""
    reader = Reader(topics, "location-updates")

    def read() -> list[LocationEvent]:
        return [event for record in reader.all() if record.key == name.encode() for event in decode_location(record)]

    yield read
    reader.close()


@pytest.fixture
def key(name: str) -> str:
    return issue(IngestKey(name="phone 7", scopes=["locations"], bound_to=name))


@pytest.fixture
def post(client, key: str):
    def post(path: str, body, type: str = "application/json", **headers):
        return client.post(path, body, content_type=type, headers={"Authorization": f"Bearer {key}", **headers})

    return post


# --- our own JSON -----------------------------------------------------------------------------------------------------


def test_one_fix_several_and_a_wrapped_batch_arrive_in_the_order_of_time(post, arrived, name):
    at = int(time.time() * 1000)
    assert post(LOCATIONS, {"lat": 13, "lng": 80, "timestamp": at}).json() == {"accepted": 1, "refused": []}
    several = [{"lat": 13.2, "lon": 80, "timestamp": at + 20}, {"lat": 13.1, "lng": 80, "timestamp": at + 10}]
    assert post(LOCATIONS, json.dumps(several)).json() == {"accepted": 2, "refused": []}
    wrapped = {"locations": [{"name": name, "lat": 13.3, "lng": 80, "timestamp": at + 30, "speed": 3, "battery": 50}]}
    assert post(LOCATIONS, wrapped).json() == {"accepted": 1, "refused": []}
    events = arrived()
    assert [(event.lat, event.stamp.time - at) for event in events] == [(13, 0), (13.1, 10), (13.2, 20), (13.3, 30)]
    assert {event.name for event in events} == {name}
    assert (events[-1].speed, events[-1].battery) == (3, 50)


def test_a_device_says_neither_where_its_fix_comes_from_nor_how_fast_its_time_runs(post, arrived):
    post(LOCATIONS, {"lat": 13, "lng": 80, "source": "staff", "timescale": 1000, "deleted": True})
    [event] = arrived()
    assert (event.source, event.timescale) == (None, None)


def test_a_key_for_one_courier_sends_no_others_positions(post, arrived, client, name):
    told = post(LOCATIONS, json.dumps([{"name": "Asha", "lat": 13, "lng": 80}, {"name": name, "lat": 13, "lng": 80}]))
    reason = f"not_yours: the key is for {name!r}, not for 'Asha'"
    assert told.json() == {"accepted": 1, "refused": [{"fix": 1, "reason": reason}]}
    any = issue(IngestKey(name="gateway", scopes=["locations"]))
    headers = {"Authorization": f"Bearer {any}"}
    body = {"name": name, "lat": 14, "lng": 80}
    assert client.post(LOCATIONS, body, content_type="application/json", headers=headers).status_code == 200
    assert [event.lat for event in arrived()] == [13, 14]


def test_fixes_that_cannot_be_taken_are_told_and_the_others_are_taken(post, arrived):
    bad = [{"lat": 91, "lng": 80}, {"lat": 13}, "here", {"lat": 13, "lng": 80, "timestamp": "soon"}]
    told = post(LOCATIONS, json.dumps([*bad, {"lat": 13, "lng": 80}]))
    assert (told.status_code, told.json()["accepted"]) == (200, 1)
    assert [(one["fix"], one["reason"].partition(":")[0]) for one in told.json()["refused"]] == [
        (1, "bad_latitude"), (2, "bad_longitude"), (3, "not_object"), (4, "bad_timestamp"),
    ]  # fmt: skip
    assert len(arrived()) == 1


@pytest.mark.parametrize("body", ["", "words", "[", "[]", '{"lat":NaN,"lng":1}', '{"lat":1e999,"lng":1}', "17"])
def test_a_body_without_a_fix_is_refused(post, body):
    assert post(LOCATIONS, body).status_code == 400


def test_too_many_fixes_are_refused_whole(post, arrived):
    assert post(LOCATIONS, json.dumps([{"lat": 13, "lng": 80}] * 5_001)).status_code == 413
    assert arrived() == []


def test_without_a_good_key_nothing_is_taken(client, key, arrived):
    body = {"lat": 13, "lng": 80}
    for path in (LOCATIONS, OSMAND, OWNTRACKS):
        wrong = {"Authorization": f"Bearer {key}x"}
        assert client.post(path, body, content_type="application/json").status_code == 401
        assert client.post(path, body, content_type="application/json", headers=wrong).status_code == 401
    assert client.get(OSMAND, {"id": "guess", "lat": 13, "lon": 80}).status_code == 401
    logs = issue(IngestKey(name="log shipper", scopes=["logs"]))
    assert client.get(OSMAND, {"id": logs, "lat": 13, "lon": 80}).status_code == 403
    assert arrived() == []


@override_settings(INGEST_PER_MINUTE=2)
@pytest.mark.usefixtures("topics")
def test_a_device_that_sends_too_often_is_told_when_to_come_again(client, key):
    answers = [client.get(OSMAND, {"id": key, "lat": 13, "lon": 80}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) >= 1


@override_settings(KAFKA_BOOTSTRAP_SERVERS=["127.0.0.1:1"])
def test_while_kafka_is_away_a_device_is_told_to_come_again(client, key, monkeypatch):
    publisher = acks.Publisher(deadline_s=0.3)
    monkeypatch.setattr("orders.ingest_api.acked_publish", publisher.publish)
    answer = client.get(OSMAND, {"id": key, "lat": 13, "lon": 80})
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    publisher.close()


# --- Traccar Client and OsmAnd ----------------------------------------------------------------------------------------

QUERY = {
    "lat": "13.0827", "lon": "80.2707", "timestamp": "1762424052", "speed": "10", "bearing": "270.5", "altitude": "7",
    "accuracy": "6.5", "batt": "81",
}  # fmt: skip
TRACCAR = {
    "device_id": "",
    "location": {
        "timestamp": "2025-11-06T10:14:12.000Z",
        "coords": {"latitude": 13.0827, "longitude": 80.2707, "accuracy": 6.5, "speed": 5.1, "heading": -1,
                   "altitude": 7},
        "is_moving": True, "odometer": 12, "event": "motionchange", "battery": {"level": 0.81, "is_charging": False},
        "activity": {"type": "in_vehicle"}, "extras": {},
    },
}  # fmt: skip


def test_osmands_query_arrives_with_the_key_as_device_identifier(client, key, arrived, name):
    assert client.get(OSMAND, {"id": key, **QUERY}).json() == {"accepted": 1, "refused": []}
    [event] = arrived()
    assert (event.name, event.lat, event.lng, event.stamp.time) == (name, 13.0827, 80.2707, 1762424052000)
    assert (event.heading, event.accuracy, event.battery) == (270.5, 6.5, 81)
    assert event.speed == pytest.approx(10 * KNOT_M_S, abs=0.001)


def test_the_same_arrives_as_a_form_and_as_a_query_that_is_posted(client, key, arrived):
    form = "&".join(f"{name}={value}" for name, value in ({"id": key} | QUERY).items())
    assert client.post(OSMAND, form, content_type="application/x-www-form-urlencoded").status_code == 200
    assert client.post(f"{OSMAND}?{form}").status_code == 200
    assert [(event.lat, event.heading) for event in arrived()] == [(13.0827, 270.5)] * 2


def test_traccars_json_arrives_and_what_it_does_not_know_is_left_out(client, key, arrived, name):
    body = TRACCAR | {"device_id": key}
    assert client.post(OSMAND, body, content_type="application/json").json() == {"accepted": 1, "refused": []}
    [event] = arrived()
    assert (event.name, event.speed, event.heading, event.battery) == (name, 5.1, None, 81)
    assert event.stamp.time == 1762424052000


def test_a_batch_of_traccars_json_is_several_fixes():
    body = TRACCAR | {"location": [TRACCAR["location"], TRACCAR["location"]]}
    assert len(osmand_json(json.dumps(body).encode())) == 2


@pytest.mark.parametrize(
    "query", [{}, {"lat": "13"}, {"lat": "north", "lon": "80"}, {"lat": "13", "lon": "181"}, {"lat": "inf", "lon": "1"}]
)
def test_a_query_without_a_position_is_refused(client, key, query):
    answer = client.get(OSMAND, {"id": key} | query)
    assert answer.status_code == 400
    assert answer.json()["refused"][0]["fix"] == 1


def test_a_latitude_that_is_no_number_is_named_and_a_speed_that_is_none_is_not_known():
    [], [refused] = sort_out([osmand_query({"lat": "NaN", "lon": "80"})], "Asha", "", NOW)
    assert refused.reason == "bad_number: lat is 'NaN'; expected float, got str"
    [taken], [] = sort_out([osmand_query({"lat": "13", "lon": "80", "speed": "NaN"})], "Asha", "", NOW)
    assert json.loads(taken.value).get("speed") is None


def test_a_position_in_one_parameter_and_a_time_as_text_are_understood():
    fix = osmand_query({"location": "13.1,80.2", "timestamp": "2025-11-06 10:14:12"})
    [taken], [] = sort_out([fix], "Asha", "", NOW)
    assert (taken.name, taken.time, json.loads(taken.value)["lng"]) == ("Asha", 1762424052000, 80.2)


@pytest.mark.parametrize("body", [{}, {"location": {}}, {"location": 7}, {"location": {"coords": {"latitude": 1}}}])
def test_json_that_is_not_traccars_is_refused(client, key, body):
    answer = client.post(OSMAND, body | {"device_id": key}, content_type="application/json")
    assert answer.status_code == 400
    assert "Traccar Client" in answer.json()["detail"]


# --- OwnTracks --------------------------------------------------------------------------------------------------------

OWN = {"_type": "location", "lat": 13.0827, "lon": 80.2707, "tst": 1762424052, "acc": 6, "vel": 36, "cog": 90,
       "batt": 81, "tid": "as", "t": "u", "conn": "m", "alt": 7}  # fmt: skip


def test_owntracks_sends_its_key_as_a_password_and_is_answered_with_an_empty_list(client, key, arrived, name):
    basic = base64.b64encode(f"anybody:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "X-Limit-U": "asha", "X-Limit-D": "phone"}
    answer = client.post(OWNTRACKS, OWN, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()) == (200, [])
    [event] = arrived()
    assert (event.name, event.stamp.time, event.speed) == (name, 1762424052000, 10)
    assert (event.heading, event.accuracy, event.battery) == (90, 6, 81)


@pytest.mark.parametrize("type", ["transition", "waypoint", "lwt", "status", "encrypted", None])
def test_what_owntracks_sends_beside_locations_is_answered_and_left(post, arrived, type):
    answer = post(OWNTRACKS, OWN | {"_type": type})
    assert (answer.status_code, answer.json()) == (200, [])
    assert arrived() == []


def test_an_owntracks_location_that_cannot_be_is_refused(post):
    assert post(OWNTRACKS, OWN | {"lat": 91}).status_code == 400
    assert post(OWNTRACKS, "[]").status_code == 400
    assert owntracks(b'{"_type":"location"}') == [dict.fromkeys(
        ("lat", "lng", "timestamp", "accuracy", "speed", "heading", "battery")
    )]  # fmt: skip


# --- all the way ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_thousand_old_fixes_fill_the_trail_and_move_the_marker_once(post, topics, name):
    now = int(time.time() * 1000)
    assert post(LOCATIONS, {"lat": 13, "lng": 80, "timestamp": now - 7_200_000}).status_code == 200
    drain(60)
    before = int(redis().hget("stream:seq", "orders"))
    old = [{"lat": 13 + n * 1e-4, "lng": 80, "timestamp": now - 3_600_000 + n * 3_000} for n in range(1_000)]
    assert post(LOCATIONS, json.dumps(old[::-1])).json()["accepted"] == 1_000
    drain(60)
    assert int(redis().hget("stream:seq", "orders")) == before + 1
    position = decode(peek((COURIERS, name)))
    assert (position.lat, position.timestamp) == (13 + 999 * 1e-4, now - 3_600_000 + 999 * 3_000)
    assert position.refused == {}
    assert 30 <= len(position.trail) <= 38
    assert position.timestamp - position.trail[0].time <= 300_000
