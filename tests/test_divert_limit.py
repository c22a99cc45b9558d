"""The dead-letter limit: a worker of a topic that is mostly malformed stops, and says what to do."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.policy import BAD, GOOD, DivertLimit
from realtime.producer import Producer
from tests.servers import wait_until
from tests.workers import Servers

LIMIT = DivertLimit(window=10)
records = st.text(f"{GOOD}{BAD}", max_size=40)


def bads(text: str) -> int:
    return text[-LIMIT.window :].count(BAD)


@given(records, records)
def test_what_passes_never_takes_a_topic_over_the_limit_and_what_is_stopped_would_have(recent, coming):
    passed, used = LIMIT.passing(recent, coming)
    assert used == 0
    for n, kind in enumerate(coming[:passed]):
        assert kind == GOOD or bads(recent + coming[: n + 1]) <= LIMIT.most
    if passed < len(coming):
        assert coming[passed] == BAD
        assert bads(recent + coming[: passed + 1]) > LIMIT.most


@given(records, records, st.integers(0, 30))
def test_the_extra_ones_are_spent_only_where_the_limit_would_stop(recent, coming, extra):
    without, _ = LIMIT.passing(recent, coming)
    passed, used = LIMIT.passing(recent, coming, extra)
    assert used <= extra
    assert passed >= without
    assert (used > 0) == (extra > 0 and without < len(coming))
    assert passed == len(coming) or used == extra


@given(records)
def test_good_records_always_pass_and_a_window_of_them_clears_the_count(recent):
    good = GOOD * LIMIT.window
    assert LIMIT.passing(recent, good) == (LIMIT.window, 0)
    assert LIMIT.passing(recent + good, BAD * 20) == (LIMIT.most, 0)


def test_a_young_topic_is_not_judged_by_its_first_records():
    assert DivertLimit().passing("", BAD * 400) == (400, 0)
    assert DivertLimit().passing("", BAD * 2000) == (500, 0)


@pytest.fixture
def producer(servers: Servers, settings) -> Iterator[Producer]:
    settings.KAFKA_BOOTSTRAP_SERVERS = [servers.kafka.bootstrap]
    servers.fresh()
    producer = Producer("tests", linger_ms=5)
    yield producer
    producer.close()


def send(producer: Producer, topic: str, values: list[bytes], key: str | None = "one") -> None:
    for value in values:
        producer.send(topic, key, value)
    producer.flush(30)


def dead_letters(servers: Servers, topic: str) -> int:
    return sum(servers.kafka.end_offset(f"{topic}.dlq", n) for n in range(4))


def ended(process) -> str:
    """What a worker said that has stopped at the limit."""
    wait_until(lambda: not process.alive, 30)
    assert process.exit_code == 3
    return process.log.read_text()


POISON = [b"no order %d" % n for n in range(3000)]
GOODS = [b'{"orderId":"ORD-%d","status":"Packed"}' % n for n in range(2000)]


def test_a_worker_of_poison_stops_at_the_limit_and_again_after_a_restart_without_diverting_more(servers, producer):
    send(producer, "order-updates", POISON)
    said = ended(servers.worker())
    line = next(line for line in said.splitlines() if "CommandError" in line)
    for word in ("500 of the last 1000", "order-updates", "not_json", "--divert N"):
        assert word in line
    assert "Traceback" not in said
    assert dead_letters(servers, "order-updates") == 500
    for _ in range(2):
        ended(servers.worker())
        assert dead_letters(servers, "order-updates") == 500
    ended(servers.worker("--divert", "300"))
    assert dead_letters(servers, "order-updates") == 800
    assert sum(servers.applied().values()) == 800


def test_good_records_pass_after_a_restart_clear_the_count_and_the_topic_is_read_to_its_end(servers, producer):
    send(producer, "order-updates", POISON[:600])
    ended(servers.worker())
    assert dead_letters(servers, "order-updates") == 500
    send(producer, "order-updates", GOODS, key=None)  # over all partitions
    ends = {n: servers.kafka.end_offset("order-updates", n) for n in range(4)}

    def at_the_end() -> bool:
        applied = servers.applied()
        return all(applied.get(f"order-updates:{n}", 0) == end for n, end in ends.items())

    # a supervisor starts it again; what is good passes each time
    for _ in range(8):
        worker = servers.worker()
        wait_until(lambda worker=worker: not worker.alive or at_the_end(), 30)
        if at_the_end():
            break
        assert worker.exit_code == 3
    assert at_the_end()
    assert dead_letters(servers, "order-updates") == 600
    assert worker.alive


def test_a_few_malformed_records_stop_nobody_and_each_topic_counts_for_itself(servers, producer):
    send(producer, "order-updates", [*GOODS[:600], *POISON[:400]])
    send(producer, "service-logs", [*[b"a line"] * 600, *[b"\0binary"] * 450])
    worker = servers.worker()
    wait_until(lambda: sum(servers.applied().values()) == 1000 + 1050, 30)
    assert worker.alive
    assert (dead_letters(servers, "order-updates"), dead_letters(servers, "service-logs")) == (400, 450)
    send(producer, "service-logs", [b"\0binary"] * 100)
    assert "service-logs" in ended(worker)
    assert dead_letters(servers, "service-logs") == 500


def test_what_the_option_takes_is_checked(servers):
    live, archive = servers.worker("--divert", "-1"), servers.worker("--divert", "5", group="archive")
    wait_until(lambda: not live.alive and not archive.alive, 20)
    assert live.exit_code == archive.exit_code == 1
    assert "--divert is -1" in live.last_words()
    assert "the archive diverts nothing" in archive.last_words()
