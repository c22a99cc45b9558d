"""The brief's comparison, the same GET without and with Redis; and how many log lines the normaliser reads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import islice

import httpx

from tests.bench import normalise, records
from tests.bench.place import Place
from tests.bench.report import Row
from tests.bench.throughput import ORDERS, _put

ASKED = 300
MADE = """
from orders.models import Order
Order.objects.bulk_create(Order(order_id=f"BENCH-CACHE-{{n}}", status="Placed") for n in range({count}))
"""
"""Orders that only the database holds, and each for one question: what is read from there is kept in Redis."""


def cache(place: Place, repeats: int, n: int) -> list[Row]:
    """`GET /api/orders/<id>` of an order that Redis holds, and of one that only the database holds."""
    _put(place, ORDERS, records.orders(1, 1))
    # After the worker began: it takes over what the database holds.
    place.python(MADE.format(count=ASKED * repeats))
    only_there = (f"BENCH-CACHE-{n}" for n in range(ASKED * repeats))
    rows = [Row("cache-redis", "ms"), Row("cache-db", "ms")]
    with place.running("web"), httpx.Client(base_url=place.base_url, cookies={"sessionid": place.cookie}) as client:
        for _ in range(repeats):
            rows[0].values.append(_answer_ms(client, ["ORD-000000"] * ASKED, "hit"))
            rows[1].values.append(_answer_ms(client, list(islice(only_there, ASKED)), "miss"))
    rows[0].note = f"GET /api/orders/<id> from Redis, the median of {ASKED} requests one after the other"
    rows[1].note = "the same of an order that Redis does not hold: from the database"
    return rows


def _answer_ms(client: httpx.Client, orders: Sequence[str], said: str) -> float:
    took = []
    for order in orders:
        begun = time.monotonic()
        answer = client.get(f"/api/orders/{order}")
        took.append((time.monotonic() - begun) * 1000)
        if answer.status_code != 200 or answer.headers["X-Cache"] != said:
            raise RuntimeError(f"{order}: {answer.status_code}, X-Cache: {answer.headers.get('X-Cache')}, not {said}")
    return statistics.median(took)


def normaliser(place: Place, repeats: int, n: int) -> list[Row]:
    """Processor time alone: neither Kafka nor Redis has a part in it."""
    rows = [Row(name, "lines/s", note="of processor time: decode and redact") for name in normalise.SHAPES]
    for row in rows:
        row.values = [normalise.rate(normalise.SHAPES[row.name]) for _ in range(repeats)]
    return rows
