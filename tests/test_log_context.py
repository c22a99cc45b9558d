"""A line by its id, with what stood around it: where it is found, what it costs, and which retention removed it."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
import redis
from kafka import TopicPartition

from realtime import topics
from realtime.api import KafkaAway
from realtime.producer import Producer
from realtime.topics import Excerpt
from tests.live import LiveSocket
from tests.servers import Stack, wait_until
from tests.topic import Reader
from tests.webs import told

Line = dict[str, Any]


@pytest.fixture
def ask(stack: Stack, session: str) -> Callable[..., httpx.Response]:
    """Asks for a line's context, as staff or with another session."""

    def ask(line_id: str, cookie: str = session, **params: int) -> httpx.Response:
        url = f"{stack.base_url}/api/logs/lines/{line_id}/context"
        cookies = {"Cookie": f"sessionid={cookie}"} if cookie else {}
        return httpx.get(url, params=params, headers=cookies, trust_env=False, timeout=30)

    return ask


def send(producer: Producer, service: str, *messages: str, level: str = "INFO") -> None:
    """Lines of one service, in one partition."""
    for message in messages:
        line = {"service": service, "level": level, "message": message}
        producer.send("service-logs", service, json.dumps(line).encode())
    producer.flush()


def shown(stack: Stack, session: str, service: str, messages: int) -> list[Line]:
    """The lines of a service, once a page has so many of them."""
    with LiveSocket(stack.base_url, "logs", session, params=f"services={service}") as page:
        page.until(lambda p: len(p.lines) >= messages)
        return [page.lines[n] for n in sorted(page.lines)]


def push_out(stack: Stack, producer: Producer) -> None:
    """Fills Redis with lines of another service, so that those before are only in Kafka."""
    with redis.Redis.from_url(stack.redis.url) as state:
        last = int(state.get("logs:number") or 0)
        for n in range(1_000):
            producer.send("service-logs", "pusher", b'{"service":"pusher","level":"INFO","message":"%d"}' % n)
        producer.flush()
        wait_until(lambda: int(state.get("logs:number") or 0) >= last + 1_000, 30)


def messages(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line["message"] for line in answer.json()["lines"]]


def test_a_line_is_found_in_redis_with_the_lines_of_its_service_around_it(stack, session, producer, ask):
    send(producer, "near", *"abcde")
    send(producer, "far", "x", "y")
    send(producer, "near", *"fgh")
    lines = shown(stack, session, "near", 8)
    answer = ask(lines[4]["id"], before=2, after=2)
    assert messages(answer) == ["c", "d", "e", "f", "g"]
    assert answer.json()["from"] == "redis"
    assert answer.json()["around"] == lines[4]["id"]
    assert answer.json()["lines"][2] == lines[4], "a line is the same wherever it is shown"
    assert messages(ask(lines[7]["id"], before=1, after=50)) == ["g", "h"]
    assert messages(ask(lines[0]["id"], before=0, after=0)) == ["a"]


def test_what_left_redis_is_read_from_kafka_as_it_was_shown_redacted_and_in_order(stack, session, producer, ask):
    secret = "4111 1111 1111 1111"
    send(
        producer,
        "kept",
        *(f"line {n}" for n in range(20)),
        f"paid with {secret}",
        *(f"line {n}" for n in range(21, 40)),
    )
    lines = shown(stack, session, "kept", 40)
    push_out(stack, producer)
    answer = ask(lines[20]["id"], before=3, after=3)
    assert answer.json()["from"] == "kafka"
    assert [{"n": line["n"], **held} for line, held in zip(lines[17:24], answer.json()["lines"], strict=True)] == lines[
        17:24
    ]
    assert messages(answer)[3] == "paid with [redacted: card]"
    assert secret not in answer.text
    page = httpx.get(
        f"{stack.base_url}/logs/lines/{lines[20]['id']}/",
        headers={"Cookie": f"sessionid={session}"},
        trust_env=False,
        timeout=30,
    )
    assert "paid with [redacted: card]" in page.text
    assert "Out of Kafka" in page.text


def test_the_lines_of_one_opentelemetry_message_are_around_each_other(stack, session, producer, ask):
    records = [{"severityText": "INFO", "body": {"stringValue": f"otlp {n}"}} for n in range(5)]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "batch"}}]}
    message = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    producer.send("service-logs", "batch", json.dumps(message).encode())
    send(producer, "batch", "after")
    lines = shown(stack, session, "batch", 6)
    push_out(stack, producer)
    answer = ask(lines[2]["id"], before=1, after=3)
    assert lines[2]["id"].endswith(".2")
    assert messages(answer) == ["otlp 1", "otlp 2", "otlp 3", "otlp 4", "after"]


def test_lines_of_a_rare_service_are_found_between_those_of_a_busy_one_in_its_partition(stack, session, producer, ask):
    for n in range(3):
        producer.send("service-logs", "same", b'{"service":"rare","level":"INFO","message":"rare %d"}' % n)
        for i in range(700):
            producer.send("service-logs", "same", b'{"service":"busy","level":"INFO","message":"%d"}' % i)
    producer.flush()
    with closing(Reader(stack.kafka.bootstrap)) as topic:
        record = next(r for r in topic.all() if r.value == b'{"service":"rare","level":"INFO","message":"rare 1"}')
    life = told(
        stack, "from realtime.topics import Topics\nprint(json.dumps(Topics().describe(['service-logs'])[0]['life']))"
    )
    wait_until(lambda: ask(f"{life}-{record.partition}-{record.offset}").status_code == 200)
    assert messages(ask(f"{life}-{record.partition}-{record.offset}")) == ["rare 0", "rare 1", "rare 2"]


PEOPLE = """
from django.contrib.auth.models import Group
from logs.models import LogStream
group = Group.objects.create(name='context-closed')
stream, _ = LogStream.objects.get_or_create(service='context-closed')
stream.groups.add(group)
def staff(name, *groups):
    user = User.objects.create_user(name, password='x', is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename='view_logstream'))
    user.groups.add(*groups)
    return sign_in(user)
print(json.dumps([staff('context-out'), staff('context-in', group),
                  sign_in(User.objects.create_user('context-guest', is_staff=True))]))
"""


def test_a_line_of_a_closed_stream_is_as_if_it_had_never_been_in_redis_and_in_kafka(stack, session, producer, ask):
    outside, inside, guest = told(stack, PEOPLE)
    send(producer, "context-closed", "secret one", "secret two", level="ERROR")
    line, _ = shown(stack, session, "context-closed", 2)
    never = ask(f"{line['id'].partition('-')[0]}-0-999999999", outside)
    for place in ("redis", "kafka"):
        assert ask(line["id"], inside).json()["from"] == place
        refused = ask(line["id"], outside)
        assert (refused.status_code, refused.json()) == (404, never.json())
        if place == "redis":
            push_out(stack, producer)
    assert ask(line["id"], guest).status_code == 403
    assert ask(line["id"], "").status_code == 401
    page = httpx.get(
        f"{stack.base_url}/logs/lines/{line['id']}/",
        headers={"Cookie": f"sessionid={outside}"},
        trust_env=False,
        timeout=30,
    )
    assert page.status_code == 404
    assert "secret" not in page.text


@pytest.mark.parametrize(
    ("line_id", "error", "said"),
    [
        ("x", "bad_id", "is no id of a line"),
        ("k3f-0", "bad_id", "is no id of a line"),
        ("00abc-0-1", "topic_made_again", "(life 00abc) was deleted"),
        ("LIFE-0-999999999", "no_such_line", "no line of this id that you may see"),
        ("LIFE-0-0.77", "no_such_line", "no line of this id that you may see"),
        ("LIFE-99-0", "topic_made_again", "has no partition 99"),
    ],
)
def test_what_is_not_there_is_refused_with_a_code_and_the_reason(stack, session, producer, ask, line_id, error, said):
    send(producer, "named", "one")
    life = shown(stack, session, "named", 1)[0]["id"].partition("-")[0]
    answer = ask(line_id.replace("LIFE", life))
    assert answer.status_code == 404
    assert answer.json()["error"] == error
    assert said in answer.json()["message"]


def test_what_kafkas_retention_removed_comes_from_the_archive_or_is_refused_with_that_reason(
    stack, session, producer, ask
):
    send(producer, "old", "old error", level="ERROR")
    send(producer, "old", "old word")
    send(producer, "old", "old error again", level="ERROR")
    error, word, again = shown(stack, session, "old", 3)
    archived = f"from logs.models import LogLine; print(LogLine.objects.filter(line_id={again['id']!r}).count())"
    wait_until(lambda: stack.python(archived).strip() == "1", 20)
    push_out(stack, producer)
    _, partition, offset = again["id"].split("-")
    with stack.kafka.admin() as admin:
        admin.delete_records({TopicPartition("service-logs", int(partition)): int(offset) + 1})
    answer = ask(error["id"])
    assert messages(answer) == ["old error", "old error again"]
    assert answer.json()["from"] == "archive"
    gone = ask(word["id"])
    assert (gone.status_code, gone.json()["error"]) == (404, "kafka_retention")
    for said in (f"begins at offset {int(offset) + 1}", "newest 1000 lines", "archive level"):
        assert said in gone.json()["message"]
    page = httpx.get(
        f"{stack.base_url}/logs/lines/{word['id']}/",
        headers={"Cookie": f"sessionid={session}"},
        trust_env=False,
        timeout=30,
    )
    assert page.status_code == 404
    assert "Kafka&#x27;s retention removed this line" in page.text


def test_kafka_that_does_not_answer_holds_nobody_up_longer_than_was_said(settings):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    began = time.monotonic()
    with pytest.raises(KafkaAway, match=r"does not answer at 127\.0\.0\.1:1 "), Excerpt("service-logs", 0, wait_s=1):
        pass
    assert time.monotonic() - began < 30  # kafka-python's own patience is longer


def test_an_excerpt_ends_after_its_bytes_however_large_the_topic(stack, producer, monkeypatch):
    monkeypatch.setattr(topics, "EXCERPT_BYTES", 300_000)
    for n in range(100):
        producer.send("service-logs", "heavy", b"%03d " % n + b"x" * 20_000)
    producer.flush()
    with closing(Reader(stack.kafka.bootstrap)) as topic:
        first = next(record for record in topic.all() if record.key == b"heavy")
    with Excerpt("service-logs", first.partition, wait_s=10) as excerpt:
        found = excerpt.read(first.offset, first.offset + 100)
        assert excerpt.spent
        assert excerpt.read(first.offset, first.offset + 1) == []
    assert found[0].value == first.value
    assert 300_000 <= sum(len(record.value or b"") for record in found) < 1_500_000


def test_how_many_lines_may_be_asked_for_is_bounded(ask):
    assert ask("k3f-0-1", before=501).status_code == 422
    assert ask("k3f-0-1", after=-1).status_code == 422
