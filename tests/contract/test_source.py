"""The source on a real broker: what it reads, where it reads on, and its membership."""

import uuid
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from realtime.batches import Mark
from realtime.producer import Producer, acknowledged
from realtime.records import Record
from realtime.source import KafkaSource
from realtime.topics import Topics
from tests.contract.conftest import beyond_the_standin
from tests.servers import wait_until

TOPICS = [f"source-test-{n}" for n in range(3)]


@pytest.fixture(autouse=True)
def topics(kafka_bootstrap: str) -> Iterator[Topics]:
    topics = Topics()
    topics.create(TOPICS)
    yield topics
    topics.close()


@pytest.fixture
def topic(topics: Topics) -> str:
    """A new topic of four partitions."""
    name = f"source-test-{uuid.uuid4().hex[:8]}"
    topics.create([name])
    return name


@pytest.fixture
def producer(kafka_bootstrap: str) -> Iterator[Producer]:
    producer = Producer("tests")
    yield producer
    producer.close()


@pytest.fixture
def join() -> Iterator:
    """Makes sources that are closed in the end, each a member that holds `count` partitions of the topic."""
    sources: list[KafkaSource] = []

    def make(topic: str, group: str = "one", count: int = 4) -> KafkaSource:
        source = KafkaSource([topic], f"{group}-{topic}")
        sources.append(source)
        wait_until(lambda: [other.poll(0.05) for other in sources] and len(source.assigned()) == count, 30)
        source.moved()
        source.lives()
        return source

    yield make
    for source in sources:
        source.close()


def read(source: KafkaSource, count: int) -> list[Record]:
    """So many records, and no more than these."""
    got: list[Record] = []

    def enough() -> bool:
        for records in source.poll(0.1).values():
            got.extend(records)
        return len(got) >= count

    wait_until(enough, 20)
    assert len(got) == count
    return got


def send(producer: Producer, topic: str, count: int, key: str | None = None) -> None:
    """Records that hold their number, each acknowledged."""
    for future in [producer.send(topic, key, b"%d" % n) for n in range(count)]:
        acknowledged(future, 10)


def from_the_start(source: KafkaSource) -> None:
    source.seek(dict.fromkeys(source.assigned()))


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


def test_lives_ends_and_times_of_an_empty_topic(topic, broker):
    beyond_the_standin(broker, "topic ids")
    source = KafkaSource([topic], "empty")
    try:
        assert source.partitions() == [(topic, n) for n in range(4)]
        assert set(source.ends(source.partitions()).values()) == {0}
        assert set(source.offsets_at(source.partitions(), 0).values()) == {0}
        (life,) = source.lives().values()
        assert len(life) == 8
    finally:
        source.close()


def test_records_come_whole_and_in_the_order_of_their_partition(topic, producer, join, broker):
    beyond_the_standin(broker, "two headers of one name")
    source = join(topic)
    headers = [("trace", b"\x00\xff"), ("empty", b""), ("trace", b"again")]
    acknowledged(producer.send_bytes(topic, b"\xff", None, headers), 10)
    send(producer, topic, 50, key="one")
    from_the_start(source)
    records = read(source, 51)
    first = next(record for record in records if record.value is None)
    assert (first.key, first.headers) == (b"\xff", tuple(headers))
    assert {record.life for record in records} == {source.lives()[topic]}
    assert len({record.partition for record in records if record.key == b"one"}) == 1
    ours = [record for record in records if record.key == b"one"]
    assert [record.value for record in ours] == [b"%d" % n for n in range(50)]
    offsets = [record.offset for record in ours]
    assert offsets == list(range(offsets[0], offsets[0] + 50))
    times = [record.timestamp for record in ours]
    assert times == sorted(times)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_what_other_producers_compress_can_be_read(codec, topic, join, kafka_bootstrap):
    source = join(topic)
    foreign = KafkaProducer(bootstrap_servers=kafka_bootstrap, compression_type=codec)
    for n in range(20):
        foreign.send(topic, b"%d " % n * 200)
    foreign.flush(10)
    foreign.close()
    from_the_start(source)
    assert {record.value.split()[0] for record in read(source, 20)} == {b"%d" % n for n in range(20)}


def test_a_value_of_four_megabytes_fits(topic, producer, join):
    source = join(topic)
    value = b"x" * (4 * 1024 * 1024 - 4096)
    acknowledged(producer.send(topic, "k", value), 20)
    from_the_start(source)
    assert read(source, 1)[0].value == value


def test_it_reads_on_from_where_it_is_put_whatever_was_committed(topic, producer, join):
    source = join(topic)
    send(producer, topic, 20, key="one")
    from_the_start(source)
    records = read(source, 20)
    at, life = (topic, records[0].partition), records[0].life
    source.commit({at: Mark(life, 14)}, wait_s=5)
    source.seek({at: 5})
    assert [record.offset for record in read(source, 15)] == list(range(5, 20))
    source.seek({at: 18})
    assert [record.offset for record in read(source, 2)] == [18, 19]
    source.seek({at: None})
    assert len(read(source, 20)) == 20


def test_nothing_is_committed_of_its_own_accord_and_what_is_tells_the_broker_how_far_we_are(
    topic, producer, join, broker
):
    source = join(topic)
    send(producer, topic, 20, key="one")
    from_the_start(source)
    at = (topic, read(source, 20)[0].partition)
    assert committed(broker, f"one-{topic}") == {}
    source.commit({at: Mark("any", 9)}, wait_s=5)
    assert committed(broker, f"one-{topic}") == {at: 10}
    source.commit({at: Mark("any", 4)})  # also backwards: after a rebuild
    wait_until(lambda: source.poll(0.05) or committed(broker, f"one-{topic}") == {at: 5})


def committed(broker, group: str) -> dict[tuple[str, int], int]:
    with broker.admin() as admin:
        found = admin.list_group_offsets(group).get(group, {})
    return {(at.topic, at.partition): held.offset for at, held in found.items() if held.offset >= 0}


def test_while_it_is_paused_nothing_comes_and_afterwards_everything(topic, producer, join):
    source = join(topic)
    from_the_start(source)
    source.pause()
    send(producer, topic, 20)
    for _ in range(5):
        assert source.poll(0.1) == {}
    assert len(source.assigned()) == 4
    source.resume()
    assert len(read(source, 20)) == 20


def test_members_of_a_group_share_the_partitions_and_each_learns_that_they_moved(topic, join):
    first = join(topic)
    second = join(topic, count=2)
    wait_until(lambda: first.poll(0.05) or second.poll(0.05) or len(first.assigned()) == 2, 20)
    assert first.moved()
    assert not first.moved(), "said once"
    assert set(first.assigned()) | set(second.assigned()) == {(topic, n) for n in range(4)}
    second._consumer.unsubscribe()
    wait_until(lambda: second.poll(0.05) or first.poll(0.05) or len(first.assigned()) == 4, 20)
    assert first.moved()


def test_groups_read_the_same_records_each_for_itself(topic, producer, join):
    one, other = join(topic, "one"), join(topic, "other")
    for source in (one, other):
        from_the_start(source)
    send(producer, topic, 20)
    assert len(read(one, 20)) == len(read(other, 20)) == 20


def test_a_poll_brings_no_more_records_than_a_batch_takes(topic, producer, join, settings):
    settings.BATCH_RECORDS = 7
    source = join(topic)
    send(producer, topic, 30)
    from_the_start(source)
    sizes: list[int] = []
    wait_until(lambda: sizes.append(sum(map(len, source.poll(0.1).values()))) or sum(sizes) == 30, 20)
    assert max(sizes) == 7


def test_offsets_by_time_are_those_of_the_first_record_then_or_later(topic, producer, join):
    source = join(topic)
    send(producer, topic, 1, key="one")
    from_the_start(source)
    (record,) = read(source, 1)
    at = (topic, record.partition)
    assert source.offsets_at([at], record.timestamp) == {at: 0}
    assert source.offsets_at([at], record.timestamp + 1) == {at: 1}, "its end, where there is none"
    assert source.ends([at]) == {at: 1}


def test_a_topic_that_is_made_again_has_another_life_and_begins_at_its_start(topic, topics, producer, broker):
    beyond_the_standin(broker, "topic ids")
    source = KafkaSource([topic], "lives")
    try:
        before = source.lives()[topic]
        send(producer, topic, 5)
        with broker.admin() as admin:
            admin.delete_topics([topic])
        wait_until(lambda: topic not in topics.names())
        wait_until(lambda: topics.create([topic]) and topic in topics.names())
        assert source.lives()[topic] != before
        assert set(topics.offsets([(topic, n) for n in range(4)], -1).values()) == {0}
    finally:
        source.close()


def test_a_topic_that_is_made_again_at_once_under_a_reader_is_noticed(topic, producer, join, broker):
    beyond_the_standin(broker, "topic ids")
    source = join(topic)
    from_the_start(source)
    send(producer, topic, 20, key="one")
    old = read(source, 20)[0].life
    with broker.admin() as admin:
        admin.delete_topics([topic])
        wait_until(lambda: made(admin, topic), 30, every_s=0)
    wait_until(lambda: source.poll(0.1) == {} and source.moved(), 40)
    assert source.lives()[topic] != old
    from_the_start(source)
    for future in [producer.send(topic, "one", b"%d" % n) for n in range(40)]:
        acknowledged(future, 30)
    assert len(read(source, 40)) == 40


def made(admin, topic: str) -> bool:
    try:
        admin.create_topics({topic: {"num_partitions": 4, "replication_factor": 1}})
    except KafkaError:
        return False
    return True
