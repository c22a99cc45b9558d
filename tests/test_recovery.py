"""A worker outlives what happens to it: by real workers, a real broker and a real Redis, with counts."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from realtime.producer import Producer
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
