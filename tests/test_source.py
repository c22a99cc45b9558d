"""The source on a real broker: its membership, whatever the moment at which a join is answered."""

import pytest

from realtime.source import KafkaSource
from realtime.topics import Topics
from tests.servers import wait_until

TOPICS = [f"source-test-{n}" for n in range(3)]


@pytest.fixture(scope="module", autouse=True)
def topics(kafka_bootstrap: str) -> None:
    topics = Topics()
    topics.create(TOPICS)
    topics.close()


@pytest.mark.parametrize("attempt", range(4))
def test_a_join_that_is_answered_between_two_polls_is_not_forgotten(attempt):
    source = KafkaSource(TOPICS, f"short-polls-{attempt}")
    try:
        # short polls, and between them what a worker does when the assignment changed
        wait_until(lambda: source.poll(0.05) or (source.lives() and len(source.assigned()) == 12), 10)
    finally:
        source.close()


def test_a_worker_of_some_topics_knows_the_partitions_ends_and_lives_of_all():
    source = KafkaSource(TOPICS[:1], "some", known=TOPICS)
    try:
        wait_until(lambda: source.poll(0.1) or len(source.assigned()) == 4)
        everything = [(topic, n) for topic in TOPICS for n in range(4)]
        assert source.partitions() == everything
        assert sorted(source.ends(everything)) == everything
        assert sorted(source.offsets_at(everything, 0)) == everything
        assert sorted(source.lives()) == TOPICS
    finally:
        source.close()


def test_lives_ends_and_times_of_an_empty_topic():
    source = KafkaSource(TOPICS[:1], "empty")
    try:
        assert source.partitions() == [(TOPICS[0], n) for n in range(4)]
        assert set(source.ends(source.partitions()).values()) == {0}
        assert set(source.offsets_at(source.partitions(), 0).values()) == {0}
        (life,) = source.lives().values()
        assert len(life) == 8
    finally:
        source.close()
