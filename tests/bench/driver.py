"""Pushes without Kafka, so that a row about the web process measures that process.

python -m tests.bench.driver hub|stock RATE SECONDS

`hub` pushes one order event after the other as a live worker does, without writing it to Redis, which would take a part
of the processor; `stock` tells the group of stock.py a text of the same length. At most RATE a
second. Prints how many were sent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
django.setup()

from channels.layers import get_channel_layer  # noqa: E402 - after setup

from realtime.batches import Batch, Partition  # noqa: E402
from realtime.groups import Pusher  # noqa: E402
from realtime.records import Record  # noqa: E402
from realtime.state import packing  # noqa: E402
from realtime.state.connection import client, names  # noqa: E402
from realtime.state.live import LiveState  # noqa: E402
from realtime.state.names import epoch_of  # noqa: E402
from realtime.streams import by_topic, streams  # noqa: E402
from tests.bench.stock import GROUP  # noqa: E402

TOPIC, LIFE, GROUP_OF_ORDERS = "order-updates", "bench", "orders"


class NoLog:
    """A log of topics without records: what is applied here comes from no topic."""

    def partitions(self) -> Sequence[Partition]:
        return []

    def ends(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return {}

    def offsets_at(self, partitions: Sequence[Partition], time_ms: int) -> Mapping[Partition, int]:
        return {}

    def lives(self) -> Mapping[str, str]:
        return {}

    def reach(self) -> Mapping[Partition, int]:
        return {}


def event(n: int) -> bytes:
    """An update of one of 100 orders that says when it was sent."""
    now = time.time()
    return (
        f'{{"orderId":"BENCH-{n % 100:03}","status":"{("Packed", "Shipped")[n // 100 % 2]}",'
        f'"customerName":"sent:{int(now * 1_000_000)}","timestamp":{int(now * 1000)}}}'
    ).encode()


@contextmanager
def hub() -> Iterator[Callable[[int], None]]:
    state, push, redis = (
        LiveState(client(), names(), streams(), NoLog(), lambda partitions: {}, "bench"),
        Pusher(),
        client(),
    )
    state.begin(time.time())
    stream, at = by_topic()[TOPIC], int(time.time() * 1000)
    seq = int(redis.hget(names().seq, GROUP_OF_ORDERS) or 0)

    def say(n: int) -> None:
        nonlocal seq
        seq += 1
        batch = Batch()
        batch.add(stream, [Record(TOPIC, LIFE, 0, at + n, int(time.time() * 1000), None, event(n))], None)
        change = batch.change({}, int(time.time() * 1000))
        push(packing.pushes(epoch_of(state.epoch), change, ([seq], [], []), batch.produced))
        push(state.turn(time.time()))

    try:
        yield say
    finally:
        redis.hset(names().seq, GROUP_OF_ORDERS, seq)  # the next one goes on from there


@contextmanager
def stock() -> Iterator[Callable[[int], None]]:
    layer, runner = get_channel_layer(), asyncio.Runner()

    def say(n: int) -> None:
        text = '{"type":"delta","orders":[' + event(n).decode() + "]}"
        runner.run(layer.group_send(GROUP, {"type": "tell", "text": text.ljust(330)}))

    yield say


def main(kind: str, rate: float, seconds: float) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with hub() if kind == "hub" else stock() as say:
        begun, n = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            if passed * rate < n:
                time.sleep(n / rate - passed)
            say(n)
            n += 1
    print(n)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
