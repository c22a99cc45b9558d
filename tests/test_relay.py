"""The outbox: published in order, once or again but never less, by one relay at a time."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from kafka import KafkaConsumer, TopicPartition

from realtime.api import publish
from realtime.models import Lease, Outbox
from realtime.producer import Producer
from realtime.relay import Relay
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


def test_rows_that_were_sent_an_hour_ago_are_forgotten(redis_url, topic, producer):
    publish(topic, "bear", {"n": 1})
    relay = Relay(producer)
    relay.turn()
    relay.prune()
    assert Outbox.objects.count() == 1
    Outbox.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    relay.prune()
    assert not Outbox.objects.exists()
