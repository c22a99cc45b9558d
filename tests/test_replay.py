"""Dead letters in the admin: staff see why and where from, publish them again as they were, or put them aside."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from kafka import KafkaConsumer, TopicPartition

from orders.state import ORDERS
from realtime import deadletters
from realtime.api import Malformed, peek
from realtime.models import DeadLetter
from realtime.producer import Producer, acknowledged
from realtime.records import Record
from realtime.testing import drain
from realtime.topics import Topics

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/realtime/deadletter/"
TOPIC = "order-updates"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("sam", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(user)
    return browser


def act(browser: Client, action: str, *letters: DeadLetter) -> str:
    """Runs an action on the list; returns the page that follows."""
    data = {"action": action, "_selected_action": [letter.pk for letter in letters]}
    answer = browser.post(f"{LIST}?state=all", data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def letter(value: bytes, **fields: Any) -> DeadLetter:
    origin = {"topic": TOPIC, "life": "a1", "partition": 2, "offset": 7, "timestamp": 1, "reason": "not_json"}
    return DeadLetter.objects.create(**origin | fields, value=value)


@pytest.fixture
def topics(kafka_bootstrap: str, redis_url: str) -> None:
    topics = Topics()
    topics.create([TOPIC])
    topics.close()


@pytest.fixture
def published(topics: None, kafka_bootstrap: str) -> Iterator[KafkaConsumer]:
    """Reads what comes into the topic from now on."""
    consumer = KafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False)
    partitions = [TopicPartition(TOPIC, n) for n in range(4)]
    consumer.assign(partitions)
    consumer.seek_to_end()
    for at in partitions:
        consumer.position(at)
    yield consumer
    consumer.close()


def next_record(consumer: KafkaConsumer) -> Any:
    for _ in range(20):
        for records in consumer.poll(500).values():
            return records[0]
    raise AssertionError("nothing was published")


def test_a_replayed_record_has_its_bytes_key_and_headers_and_a_mark_and_is_a_new_letter_if_malformed_again(published):
    producer = Producer("tests")
    acknowledged(producer.send_bytes(TOPIC, b"\xffkey", b"\xfe no order", [("trace", b"\x00\x01"), ("none", b"")]), 10)
    producer.close()
    drain()
    first = DeadLetter.objects.get(key=b"\xffkey")
    next_record(published)

    page = act(staff("change_deadletter"), "replay", first)
    assert "Published again: 1." in page
    again = next_record(published)
    assert (again.key, again.value) == (b"\xffkey", b"\xfe no order")
    origin = f"{TOPIC}-{first.life}-{first.partition}-{first.offset}".encode()
    assert dict(again.headers) == {"trace": b"\x00\x01", "none": b"", "ce_id": origin, "dlq_replay": origin}
    first.refresh_from_db()
    assert (first.state, first.settled_by) == ("replayed", "sam")
    assert first.settled_at is not None

    drain()
    second = DeadLetter.objects.get(state="open", partition=again.partition, offset=again.offset)
    assert dict(deadletters.unpack_headers(bytes(second.headers))) == dict(again.headers)


def test_a_record_that_can_be_read_by_now_becomes_the_event_that_it_is(topics):
    held = letter(b'{"orderId":"ORD-AGAIN","status":"Packed"}', key=b"ORD-AGAIN")
    act(staff("change_deadletter"), "replay", held)
    drain()
    assert json.loads(peek((ORDERS, "ORD-AGAIN")) or b"{}")["status"] == "Packed"
    assert DeadLetter.objects.get(key=b"ORD-AGAIN") == held, "it was malformed again"


def test_the_list_shows_what_is_open_with_reason_origin_and_the_beginning_of_the_value():
    browser = staff("view_deadletter")
    letter(b"first " * 100, reason="not_json: line 1")
    letter(b"aside", offset=8, state="discarded")
    page = browser.get(LIST).content.decode()
    for shown in ("not_json: line 1", TOPIC, "first first", ">2<", ">7<"):
        assert shown in page
    assert "aside" not in page
    assert "aside" in browser.get(f"{LIST}?state=discarded").content.decode()
    assert "first" not in browser.get(f"{LIST}?state=discarded").content.decode()
    assert "aside" in browser.get(f"{LIST}?state=all").content.decode()
    assert "first first" in browser.get(f"{LIST}?state=no-such").content.decode()


def test_a_discarded_letter_is_kept_with_who_and_when_and_may_still_be_replayed(topics):
    browser, held = staff("change_deadletter"), letter(b"no order")
    assert "Discarded: 1." in act(browser, "discard", held)
    held.refresh_from_db()
    assert (held.state, held.settled_by, held.settled_at is not None) == ("discarded", "sam", True)
    assert "Published again: 1." in act(browser, "replay", held)


def test_a_letter_is_replayed_once(topics, published):
    browser, held = staff("change_deadletter"), letter(b"no order")
    act(browser, "replay", held)
    next_record(published)
    assert "Replayed before, and left alone: 1." in act(browser, "replay", held)
    assert published.poll(500) == {}
    assert "Discarded: 0." in act(browser, "discard", held)


def test_who_may_only_look_can_neither_replay_nor_discard(topics, published):
    browser, held = staff("view_deadletter"), letter(b"no order")
    assert "Replay: publish" not in browser.get(LIST).content.decode()
    for action in ("replay", "discard"):
        act(browser, action, held)
    held.refresh_from_db()
    assert held.state == "open"
    assert published.poll(500) == {}
    User.objects.all().delete()
    assert staff().get(LIST).status_code == 403


def test_while_kafka_is_away_the_page_says_so_and_the_letters_stay_open(settings):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    held = [letter(b"no order", offset=n) for n in range(3)]
    page = act(staff("change_deadletter"), "replay", *held)
    assert "Kafka does not answer at 127.0.0.1:1" in page
    assert "Not published, and as they were: 3." in page
    assert DeadLetter.objects.filter(state="open", settled_by="").count() == 3


def test_a_letter_that_names_a_topic_of_nobody_is_not_published_anywhere(topics):
    held = letter(b"made up", topic="payments")
    assert "No stream reads payments." in act(staff("change_deadletter"), "replay", held)
    held.refresh_from_db()
    assert held.state == "open"


def test_whatever_a_header_holds_there_is_a_row_for_it():
    why = Malformed("bad_field", "the value is 'a\0b' " + "x" * 900)
    made = deadletters.headers(Record(TOPIC, "a1", 0, 1, 1, None, b"\0", (("odd", b""),)), why)
    strange = [*made, ("dlq_topic", b"\0" * 300)]
    deadletters.archive(deadletters.decode(Record(f"{TOPIC}.dlq", "d1", 0, 1, 1, None, b"\0", tuple(strange))))
    row = DeadLetter.objects.get()
    assert "\0" not in row.reason + row.topic
    assert deadletters.unpack_headers(bytes(row.headers)) == [("odd", b"")]
