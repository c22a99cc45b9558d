"""A worker outlives what happens to it: by real workers, a real broker and a real Redis, with counts."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from realtime.deadletters import Diverter
from realtime.kafka_settings import KafkaAway
from realtime.producer import Producer
from realtime.records import Malformed, Record
from realtime.topics import Topics
from tests.servers import wait_until
from tests.workers import Servers

ORDERS = [f"ORD-{n}" for n in range(40)]


@pytest.fixture
def producer(servers: Servers, settings) -> Iterator[Producer]:
    servers.fresh()
    settings.KAFKA_BOOTSTRAP_SERVERS = [servers.kafka.bootstrap]
    producer = Producer("tests", linger_ms=5)
    yield producer
    producer.close()


def send(producer: Producer, first: int, count: int) -> None:
    """Log lines over all partitions, which are counted, and changes of a few orders."""
    for n in range(first, first + count):
        producer.send("service-logs", f"{n}", b'{"service":"auth","level":"INFO","message":"%d"}' % n)
        if n % 10 == 0:
            producer.send("order-updates", None, b'{"orderId":"%s","eta":%d}' % (ORDERS[n % 40].encode(), 10**12 + n))
    producer.flush(30)


def counted(servers: Servers) -> int:
    """Log lines as Redis counts them; read in one step, as they are written."""
    with servers.client() as client:
        total, number = client.eval(COUNT, 0)
    assert total == number, "counts and line numbers are of one step"
    return number


COUNT = """
local total = 0
for _, key in ipairs(redis.call("KEYS", "logs:counts:m:*")) do
  for _, n in ipairs(redis.call("HVALS", key)) do total = total + tonumber(n) end
end
return {total, tonumber(redis.call("GET", "logs:number") or "0")}
"""


def logs_written(worker, text: str) -> int:
    return worker.log.read_text().count(text)


def test_a_worker_that_is_asked_to_stop_ends_with_everything_applied_and_committed(servers, producer):
    worker = servers.worker(BATCH_RECORDS="50")
    wait_until(lambda: servers.members(), 30)
    send(producer, 0, 3000)
    wait_until(lambda: counted(servers) > 100, 30)
    worker.ask_to_stop()  # in the middle of it
    wait_until(lambda: not worker.alive, 10)
    assert worker.exit_code == 0
    applied, committed = servers.applied(), servers.committed()
    assert sum(applied.values()) > 0
    assert {at: n for at, n in committed.items() if n} == {at: n for at, n in applied.items() if n}
    assert servers.members() == {}, "it has left the group"
    servers.worker()
    wait_until(lambda: counted(servers) == 3000, 30)


def test_while_redis_is_away_the_membership_is_kept_and_everything_comes_later(servers, producer):
    worker = servers.worker()
    send(producer, 0, 500)
    wait_until(lambda: counted(servers) == 500, 30)
    before = servers.members()
    servers.redis.kill()
    send(producer, 500, 500)
    wait_until(lambda: logs_written(worker, "Redis does not answer"), 20)
    killed = time.monotonic()
    while time.monotonic() < killed + 8:  # longer than a session
        assert servers.members() == before
    servers.redis.start()
    wait_until(lambda: counted(servers) == 1000, 30)
    assert servers.members() == before
    assert logs_written(worker, "Redis does not answer") == 1, "said once a minute"
    assert worker.alive


def test_while_kafka_is_away_a_worker_waits_says_so_once_and_goes_on(servers, producer):
    worker = servers.worker()
    send(producer, 0, 500)
    wait_until(lambda: counted(servers) == 500, 30)
    servers.kafka.kill(0)
    wait_until(lambda: logs_written(worker, "Kafka does not answer"), 30)
    late = servers.worker()  # one that starts meanwhile waits too
    wait_until(lambda: logs_written(late, "Kafka does not answer"), 30)
    servers.kafka.restart(0)
    send(producer, 500, 500)
    wait_until(lambda: counted(servers) == 1000, 60)
    wait_until(lambda: len(servers.members()) == 2, 40)
    for one in (worker, late):
        assert one.alive
        assert logs_written(one, "Kafka does not answer") == 1
        assert "Traceback" not in one.log.read_text()


def test_a_worker_that_slept_past_its_session_forgets_and_goes_on(servers, producer):
    sleeper = servers.worker(BATCH_RECORDS="100")
    send(producer, 0, 1000)
    wait_until(lambda: counted(servers) > 0, 30)
    (old,) = wait_until(servers.members, 30)
    os.kill(sleeper.pid, signal.SIGSTOP)
    other = servers.worker()
    try:
        wait_until(lambda: (found := servers.members()) and old not in found, 30)
        send(producer, 1000, 1000)
        wait_until(lambda: counted(servers) == 2000, 30)
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    wait_until(lambda: sorted(map(len, servers.members().values())) == [2, 2], 30)
    send(producer, 2000, 1000)
    wait_until(lambda: counted(servers) == 3000, 30)
    assert sleeper.alive
    assert other.alive


def test_of_two_workers_with_one_instance_id_both_work_on(servers, producer):
    workers = [servers.worker("--instance-id", "twin")]
    wait_until(lambda: len(servers.members()) == 1, 30)
    workers.append(servers.worker("--instance-id", "twin"))
    said = "Another worker has this one's instance id"
    wait_until(lambda: send(producer, 0, 100) or any(logs_written(worker, said) for worker in workers), 60)
    wait_until(lambda: sorted(map(len, servers.members().values())) == [2, 2], 30)
    assert sum(logs_written(worker, said) for worker in workers) == 1, "they do not throw each other out for ever"
    wait_until(lambda: counted(servers) == sum(servers.kafka.end_offset("service-logs", n) for n in range(4)), 30)
    assert all(worker.alive for worker in workers)


def test_a_topic_that_is_made_again_under_running_workers_is_read_from_its_start_and_no_id_collides(servers, producer):
    workers = [servers.worker(), servers.worker(group="archive")]
    send(producer, 0, 500)
    wait_until(lambda: counted(servers) == 500 and events(servers) == 50, 30)
    producer.close()
    servers.make_topics_again()
    again = Producer("tests", linger_ms=5)  # another process: it knows nothing of the old topics
    send(again, 500, 700)  # more than there were: where the old life ended is in the middle of the new one
    again.close()
    wait_until(lambda: counted(servers) >= 1200 and events(servers) >= 120, 60)
    assert (counted(servers), events(servers)) == (1200, 120)
    with servers.client() as client:
        ids = [json.loads(line)["id"] for line in client.lrange("logs:recent", 0, -1)]
    assert len(ids) == len(set(ids)) == 1000
    assert all(worker.alive for worker in workers)


def test_a_topic_that_is_made_again_at_once_with_less_in_it_is_counted_once(servers, producer):
    workers = [servers.worker(), servers.worker(group="archive")]
    send(producer, 0, 500)
    wait_until(lambda: counted(servers) == 500 and events(servers) == 50, 30)
    producer.close()
    topics = Topics()
    with servers.kafka.admin() as admin:
        admin.delete_topics(["order-updates", "service-logs"])
        wait_until(lambda: topics.create(["order-updates", "service-logs"]), 20, every_s=0)
    topics.close()
    again = Producer("tests", linger_ms=5)
    send(again, 500, 40)
    again.close()
    said = "is a new topic of this name"
    wait_until(lambda: all(logs_written(worker, said) >= 4 for worker in workers), 60)
    wait_until(lambda: counted(servers) >= 540 and events(servers) >= 54, 60)
    assert (counted(servers), events(servers)) == (540, 54)


def events(servers: Servers) -> int:
    return int(servers.python("from orders.models import OrderEvent; print(OrderEvent.objects.count())"))


def test_dead_letters_go_on_after_kafka_was_away(servers, producer):
    diverter = Diverter()
    letter = (Record("order-updates", "a1", 0, 7, 1, None, b"no order"), Malformed("not_json"))
    diverter([letter])
    servers.kafka.kill(0)
    try:
        with pytest.raises(KafkaAway):
            diverter([letter])
    finally:
        servers.kafka.restart(0)
    wait_until(lambda: goes_through(diverter, letter), 40)
    diverter.close()
    ends = [servers.kafka.end_offset("order-updates.dlq", n) for n in range(4)]
    assert sum(ends) >= 2


def goes_through(diverter: Diverter, letter: tuple[Record, Malformed]) -> bool:
    try:
        diverter([letter])
    except KafkaAway:
        return False
    return True


def test_a_worker_is_asked_to_stop_while_kafka_is_away(servers, producer):
    worker = servers.worker()
    send(producer, 0, 100)
    wait_until(lambda: counted(servers) == 100, 30)
    servers.kafka.kill(0)
    try:
        wait_until(lambda: logs_written(worker, "Kafka does not answer"), 30)
        worker.ask_to_stop()
        wait_until(lambda: not worker.alive, 10)
        assert worker.exit_code == 0
    finally:
        servers.kafka.restart(0)


def test_an_error_that_nobody_foresaw_ends_the_worker_for_its_supervisor(servers, producer):
    worker = servers.worker()
    send(producer, 0, 100)
    wait_until(lambda: counted(servers) == 100, 30)
    with servers.client() as client:
        client.set("logs:recent", "no list any more")
    send(producer, 100, 100)
    wait_until(lambda: not worker.alive, 15)
    assert worker.exit_code == 1
    assert "WRONGTYPE" in worker.log.read_text()
