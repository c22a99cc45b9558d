"""The outbox: published in order, once or again but never less, by one relay at a time."""

import os
import signal
import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from kafka import KafkaConsumer, TopicPartition

from realtime import metrics
from realtime import relay as relay_module
from realtime.api import KafkaAway, publish
from realtime.management.commands.relay_outbox import rest
from realtime.models import Lease, Outbox
from realtime.outbox import Depth, depth
from realtime.producer import Producer
from realtime.relay import LEASE_S, Relay
from realtime.state import wait_for_nudge
from realtime.topics import Topics

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def topic(kafka_bootstrap: str) -> str:
    topics = Topics()
    topics.create(["outbox-test"], partitions=1)
    topics.close()
    return "outbox-test"


@pytest.fixture
def producer(kafka_bootstrap: str):
    producer = Producer("test-relay")
    yield producer
    producer.close()


@pytest.fixture
def consumer(kafka_bootstrap: str, topic: str):
    consumer = KafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_end()
    consumer.position(TopicPartition(topic, 0))
    yield consumer
    consumer.close()


def read(consumer: KafkaConsumer, count: int) -> list:
    """The next records of the topic; fails where fewer come within ten seconds."""
    records = []
    for _ in range(20):
        records += [record for some in consumer.poll(500).values() for record in some]
        if len(records) >= count:
            return records
    raise AssertionError(f"{len(records)} of {count} records came")


def test_rows_are_published_in_the_order_of_the_saves_with_their_event_ids(redis_url, topic, producer, consumer):
    ids = [publish(topic, "bear", {"n": n}) for n in range(20)]
    assert Relay(producer).turn() == 20
    records = read(consumer, 20)
    assert [record.value for record in records] == [b'{"n":%d}' % n for n in range(20)]
    assert [dict(record.headers)["ce_id"].decode() for record in records] == ids
    assert not Outbox.objects.filter(sent_at=None).exists()
    assert Relay(producer).turn() == 0


def test_what_is_rolled_back_is_not_published(redis_url, topic, producer):
    def save() -> None:
        with transaction.atomic():
            publish(topic, "bear", {"n": 1})
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        save()
    assert Relay(producer).turn() == 0


def test_a_row_that_was_sent_but_not_marked_is_sent_again_with_the_same_id(redis_url, topic, producer, consumer):
    event_id = publish(topic, "bear", {"n": 1})
    relay = Relay(producer)
    relay.turn()
    Outbox.objects.update(sent_at=None)  # as after kill -9 between send and mark
    relay.turn()
    assert [dict(record.headers)["ce_id"].decode() for record in read(consumer, 2)] == [event_id] * 2


def test_one_relay_works_and_another_takes_over_once_its_lease_has_run_out(redis_url, topic, producer):
    first, second = Relay(producer), Relay(producer)
    assert first.lease()
    assert not second.lease()
    assert first.lease()
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert second.lease()
    assert not first.lease()
    second.release()
    assert first.lease()


def test_a_row_that_commits_after_one_with_a_higher_id_is_sent_too(redis_url, topic, producer, consumer):
    """Ids are given out before the commit: who went on above the last id sent would lose the slower transaction."""
    first, second = publish(topic, "bear", {"n": 1}), publish(topic, "wolf", {"n": 2})
    Outbox.objects.filter(event_id=first).update(sent_at=timezone.now())  # not to be seen yet
    assert Relay(producer).turn() == 1
    Lease.objects.all().delete()
    Outbox.objects.filter(event_id=first).update(sent_at=None)
    assert Relay(producer).turn() == 1
    assert [dict(record.headers)["ce_id"].decode() for record in read(consumer, 2)] == [second, first]


def test_a_nudge_is_left_to_the_relay_that_holds_the_lease(redis_url, topic, producer):
    holder, standby = Relay(producer), Relay(producer)
    holder.turn()
    standby.turn()
    assert (holder.holds, standby.holds) == (True, False)
    with transaction.atomic():
        publish(topic, "bear", {"n": 1})
    stop = threading.Event()
    stop.set()
    rest(stop, standby.holds)
    assert wait_for_nudge(1)


def test_a_value_that_no_topic_takes_is_refused_at_the_save_and_holds_up_nothing(redis_url, topic):
    with pytest.raises(ValueError, match="has 1048586 bytes; at most 1048576 are taken"):
        publish(topic, "bear", {"n": "x" * 1_048_578})
    assert not Outbox.objects.exists()


def test_rows_for_a_topic_that_does_not_exist_are_parked_and_sent_once_it_does(
    redis_url, topic, consumer, client, caplog
):
    producer, late = Producer("test-relay", wait_s=1), f"outbox-late-{uuid.uuid4().hex[:8]}"
    relay = Relay(producer)
    before = metrics.figures()["sightline_outbox_published_total"]

    def published() -> float:
        return metrics.figures()["sightline_outbox_published_total"] - before

    try:
        publish(topic, "bear", {"n": 1})
        late_ids = [publish(late, "bear", {"n": 2}), publish(late, "bear", {"n": 3})]
        publish(topic, "bear", {"n": 4})
        assert relay.turn() == 3
        assert relay.turn() == 1
        assert [record.value for record in read(consumer, 2)] == [b'{"n":1}', b'{"n":4}']
        parked = Outbox.objects.filter(parked_at__isnull=False)
        assert [row.event_id for row in parked] == late_ids
        assert published() == 2
        assert depth() == Depth(rows=0, oldest_s=0.0, parked=2), "what is parked does not wait, and nobody waits for it"
        assert {row.problem for row in parked} == {
            f"Kafka has no topic '{late}'. Make it (manage.py kafka_topics makes ours), then send this row again."
        }
        assert late in caplog.text

        topics = Topics()
        topics.create([late], partitions=1)
        topics.close()
        client.force_login(User.objects.create_superuser("ann"))
        chosen = {"action": "release", "_selected_action": [row.pk for row in parked]}
        client.post(reverse("admin:realtime_outbox_changelist"), chosen)
        assert relay.turn() == 2
        assert not Outbox.objects.filter(sent_at=None).exists()
        assert published() == 4
    finally:
        producer.close()


def test_a_name_that_no_topic_can_have_is_refused_at_the_save():
    with pytest.raises(ValueError, match="the topic is 'order updates'; it takes 1 to 249"):
        publish("order updates", "bear", {"n": 1})
    assert not Outbox.objects.exists()


def test_while_kafka_is_silent_the_lease_is_kept_and_rows_stay_unsent(
    redis_url, topic, producer, kafka_cluster, monkeypatch
):
    publish(topic, "bear", {"n": 1})
    monkeypatch.setattr(relay_module, "ACK_S", LEASE_S + 1)
    relay, other = Relay(producer), Relay(producer)
    assert relay.turn() == 1
    publish(topic, "bear", {"n": 2})
    broker = kafka_cluster.processes[0].pid
    os.kill(broker, signal.SIGSTOP)
    try:
        with pytest.raises(KafkaAway):
            relay.turn()
        assert not other.lease()
    finally:
        os.kill(broker, signal.SIGCONT)
    assert Outbox.objects.filter(sent_at=None).count() == 1
    assert relay.turn() == 1


def test_rows_that_were_sent_an_hour_ago_are_forgotten(redis_url, topic, producer):
    publish(topic, "bear", {"n": 1})
    relay = Relay(producer)
    relay.turn()
    relay.prune()
    assert Outbox.objects.count() == 1
    Outbox.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    relay.prune()
    assert not Outbox.objects.exists()
