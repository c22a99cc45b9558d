"""For tests of apps: lets everything that was published reach the state, the pages' groups and the database."""

import threading
import time

from realtime.management.commands.consume_kafka import build, choose, connect, topics_of
from realtime.producer import Producer
from realtime.relay import Relay
from realtime.topics import Topics

GROUPS = ("live", "archive")


def drain(timeout_s: float = 20.0) -> None:
    """Runs relay and workers inside this process until the outbox is empty and every topic is read to its end.

    Needs the Redis and the Kafka that the settings name (the topics are made where they are missing), and a test that
    commits, such as one of pytest-django's `transaction=True`. Pushes are sent as always, so that a viewer of this test
    gets its frames. Raises TimeoutError.
    """
    end = time.monotonic() + timeout_s
    topics = Topics()
    topics.create([stream.topic for stream in choose("")])
    topics.close()
    _relay(end)
    for group in GROUPS:
        _work(group, end)


def _relay(end: float) -> None:
    producer = Producer("sightline-testing")
    relay = Relay(producer)
    try:
        while relay.turn():
            _in_time(end, "the outbox")
    finally:
        relay.release()
        producer.close()


def _work(group: str, end: float) -> None:
    chosen = choose("")
    source = connect(topics_of(group, chosen), f"testing-{group}", None, threading.Event())
    if source is None:
        return
    pipeline, ends = build(group, chosen, source)
    try:
        while not pipeline.is_at_the_end():
            pipeline.turn(time.time())
            _in_time(end, f"the group {group}")
    finally:
        pipeline.close()
        for close in ends:
            close()


def _in_time(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise TimeoutError(f"{what} did not come to rest in time")
