"""How fast records go through: the client alone, each topic through a worker, the archive, and with more orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
from kafka import KafkaConsumer, TopicPartition

from tests.bench import records
from tests.bench.crowd import Crowd
from tests.bench.place import Place
from tests.bench.records import Made
from tests.bench.report import Row
from tests.servers import LocalPostgres

PARTITIONS = 4
LOGS, ORDERS, LOCATIONS = "service-logs", "order-updates", "location-updates"


def raw(place: Place, repeats: int, n: int) -> list[Row]:
    """`poll` alone: the limit of everything below."""
    place.fill(LOGS, records.logs(n))
    row = Row("raw", "records/s", note="kafka-python's poll alone, crc32c, 200-byte lines")
    for _ in range(repeats):
        consumer = KafkaConsumer(
            bootstrap_servers=place.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_bytes=16 * 2**20, max_partition_fetch_bytes=4 * 2**20, max_poll_records=1000,
        )  # fmt: skip
        consumer.assign([TopicPartition(LOGS, part) for part in range(PARTITIONS)])
        consumer.seek_to_beginning()
        got, begun, used, n_first = 0, None, 0.0, 0
        while got < n:
            polled = sum(len(some) for some in consumer.poll(timeout_ms=1000).values())
            if begun is None:  # connecting is no part of it
                begun, used, n_first = time.monotonic(), time.process_time(), polled
            got += polled
        rest = got - n_first
        note(row, (rest / (time.monotonic() - (begun or 0)), (time.process_time() - used) / rest * 1_000_000))
        consumer.close()
    return [row]


def logs(place: Place, repeats: int, n: int) -> list[Row]:
    with place.running("web"):
        return [_through(place, "logs", LOGS, repeats, lambda i: records.logs(n), n, viewers="logs")]


def orders(place: Place, repeats: int, n: int) -> list[Row]:
    _put(place, ORDERS, records.orders(10_000, 10_000))
    make = _on(lambda first: records.orders(n, 10_000, first), 10_000, n)
    return [_through(place, "orders", ORDERS, repeats, make, n)]


def locations(place: Place, repeats: int, n: int) -> list[Row]:
    _put(place, LOCATIONS, records.locations(2_000, 2_000))
    make = _on(lambda first: records.locations(n, 2_000, first), 2_000, n)
    row = _through(place, "locations", LOCATIONS, repeats, make, n)
    row.note = "2,000 couriers, every fix moves its courier"
    return [row]


def growth(place: Place, repeats: int, n: int) -> list[Row]:
    """The same updates with ever more orders in Redis."""
    rows, held = [], 10_000 if place.client.exists("order:ORD-000000") else 0
    for name, size in (("1k", 1_000), ("10k", 10_000), ("100k", 100_000)):
        if size > held:
            _put(place, ORDERS, records.orders(size, size))
            held = size
        make = _on(lambda first, size=size: records.orders(n, size, first), 10 * size, n)
        rows.append(_through(place, f"growth-{name}", ORDERS, repeats, make, n))
        rows[-1].note = f"updates spread over {size:,} orders"
    return rows


def archive(place: Place, repeats: int, n: int) -> list[Row]:
    """Every line at a level that is archived, into PostgreSQL."""
    row = Row("archive", "rows/s", note="ERROR lines into PostgreSQL, its fsync off")
    server = LocalPostgres()
    server.start()
    try:
        place.manage("migrate", "--verbosity", "0", DATABASE_URL=server.url)
        with psycopg.connect(server.url, autocommit=True) as database:

            def reached() -> int:
                found = database.execute("SELECT mark FROM realtime_appliedoffset WHERE topic = %s", [LOGS])
                return sum(int(mark.rpartition(":")[2]) + 1 for (mark,) in found)

            with place.program("archive-pg", *_archive(), DATABASE_URL=server.url):
                place.wait(lambda: reached() >= place.end(LOGS), 300)
            for _ in range(repeats):
                errors = ((key, value.replace(b'"INFO"', b'"ERROR"')) for key, value in records.logs(n))
                place.fill(LOGS, errors)
                before = reached()
                with place.program("archive-pg", *_archive(), DATABASE_URL=server.url) as worker:
                    note(row, place.pace(worker.pid, before, n, reached))
    finally:
        server.stop()
    return [row]


def _archive() -> list[str]:
    return ["manage.py", "consume_kafka", "--group", "archive", "--topics", LOGS]


def _through(
    place: Place, name: str, topic: str, repeats: int, make: Callable[[int], Iterator[Made]], n: int, viewers: str = ""
) -> Row:
    """Fills the topic while no worker runs, then starts one and watches its applied offsets."""
    row = Row(name, "records/s" if name != "logs" else "lines/s")
    _catch_up(place)
    for i in range(repeats):
        place.fill(topic, make(i))
        before = place.applied()
        crowd = Crowd(place.port, f"/ws/{viewers}/", place.cookie, 100) if viewers else None
        try:
            with place.running("live"):
                note(row, place.pace(place.pid("live"), before, n, place.applied))
            if crowd:
                got = crowd.report()
                row.note = f"100 viewers of the page connected, who were sent {got.frames:,} frames in the last run"
        finally:
            if crowd:
                crowd.leave()
    return row


def note(row: Row, pace: tuple[float, float]) -> None:
    """Adds a repetition to a row: its rate, and the processor time of one record."""
    row.values.append(pace[0])
    row.cpu_us.append(pace[1])


def _put(place: Place, topic: str, made: Iterator[Made]) -> None:
    place.fill(topic, made)
    _catch_up(place)


def _catch_up(place: Place) -> None:
    """A worker applies whatever the topics hold."""
    with place.running("live"):
        place.wait(lambda: place.applied() >= sum(place.end(topic) for topic in (LOGS, ORDERS, LOCATIONS)), 300)


def _on(made: Callable[[int], Iterator[Made]], first: int, n: int) -> Callable[[int], Iterator[Made]]:
    """Each repetition goes on where the last one ended, so that every event is news."""
    return lambda i: made(first + i * n)
