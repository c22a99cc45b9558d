"""`realtime.testing.drain`: what an app's own tests use."""

import threading
import time

import pytest

from orders import services
from orders.models import Order, OrderEvent
from orders.state import ORDERS
from realtime.api import peek
from realtime.management.commands.consume_kafka import build, choose, connect
from realtime.models import DeadLetter
from realtime.producer import Producer
from realtime.state.connection import client
from realtime.testing import drain
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_after_drain_a_save_is_in_redis_and_its_record_in_the_archive(redis_url, kafka_bootstrap):
    client().flushdb()
    services.create_order({"customerName": "Ravi"}, "test", "ORD-D1")
    services.change_order("ORD-D1", {"status": "Packed"}, "test")
    drain()
    assert b'"status":"Packed"' in peek((ORDERS, "ORD-D1"))
    assert OrderEvent.objects.filter(order_id="ORD-D1").count() == 2
    assert all(stamp[2] >= 0 for stamp in Order.objects.get(pk="ORD-D1").stamps.values())


def test_drain_takes_dead_letters_along_and_may_be_called_again(redis_url, kafka_bootstrap):
    drain()
    producer = Producer("test")
    producer.send("order-updates", None, b"no order, but drained")
    producer.flush()
    producer.close()
    drain()
    assert DeadLetter.objects.get(value=b"no order, but drained").reason.startswith("not_json")


def test_a_worker_of_some_topics_rebuilds_for_all(redis_url, kafka_bootstrap):
    drain()
    client().flushdb()
    stop = threading.Event()
    chosen = choose("order-updates")
    source = connect(["order-updates"], "live", None, stop)
    pipeline, ends = build("live", chosen, source)
    try:
        wait_until(lambda: pipeline.turn(time.time()) or client().exists("stream:epoch"))
        marks = {field.decode().rpartition(":")[0] for field in client().hkeys("stream:applied")}
        assert "service-logs" in marks, "the log topic was not put back to an hour ago"
        assert client().exists("logs:counts:since")
    finally:
        pipeline.close()
        for end in ends:
            end()
