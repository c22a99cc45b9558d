"""The records that the benchmarks send: shaped as the brief has them, and as many as wanted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

Made = tuple[str, bytes]
"""A key and a value."""

SERVICES = ("auth", "orders", "payment", "search")
LEVELS = ("INFO",) * 8 + ("WARN", "ERROR")
STATUSES = ("Packed", "Shipped", "Out for delivery")
COURIER_STEP_DEG = 0.0001
"""About eleven metres: a courier that moves so far in a second is believed."""


def logs(n: int) -> Iterator[Made]:
    """Log lines of 200 bytes in the brief's shape."""
    now = int(time.time() * 1000)
    for i in range(n):
        service, level = SERVICES[i % 4], LEVELS[i % 10]
        head = f'{{"service":"{service}","level":"{level}","timestamp":{now + i // 100},"message":"request {i} took '
        yield service + str(i % 16), (head + "x" * (198 - len(head)) + '"}').encode()


def orders(n: int, of: int, first: int = 0) -> Iterator[Made]:
    """Updates over `of` orders; each changes its order's status and is newer than the one before."""
    begin = int(time.time() * 1000) - 3_600_000
    for i in range(first, first + n):
        order, turn = f"ORD-{i % of:06}", i // of
        yield (
            order,
            (
                f'{{"orderId":"{order}","status":"{STATUSES[turn % 3]}","customerName":"Sandeep {i}",'
                f'"timestamp":{begin + turn * 10}}}'
            ).encode(),
        )


def courier(n: int) -> str:
    return f"Courier {n:05}"


def active_orders(n: int, couriers: int) -> Iterator[Made]:
    """One event for each of `n` orders, as complete as a business would write it; those on the way have a courier."""
    now = int(time.time() * 1000)
    for i in range(n):
        order, status = f"ACT-{i:06}", ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery")[i % 5]
        carried = f'"courier":"{courier(i % couriers)}",' if i % 5 >= 2 else ""
        yield (
            order,
            (
                f'{{"orderId":"{order}","status":"{status}","customerName":"Customer {i}","items":["Rice 5 kg","Tea"],'
                f'{carried}"due":{now + 3_600_000 + i * 500},"destination":{{"name":"{i} Hill Street",'
                f'"lat":{13.065 + i % 100 * 0.00035:.5f},"lng":{80.25 + i // 100 % 100 * 0.0004:.5f}}},'
                f'"timestamp":{now - 600_000 + i}}}'
            ).encode(),
        )


def locations(n: int, of: int, first: int = 0) -> Iterator[Made]:
    """Fixes of `of` couriers that drive on, a second after the other."""
    begin = int(time.time() * 1000) - 6 * 3_600_000
    for i in range(first, first + n):
        name, turn = f"Courier {i % of:05}", i // of
        lat, lng = 12.9 + (i % of) * 1e-4, 80.1 + turn * COURIER_STEP_DEG
        yield name, f'{{"name":"{name}","lat":{lat:.5f},"lng":{lng:.5f},"timestamp":{begin + turn * 1000}}}'.encode()


def chunks(made: Iterator[Made], size: int) -> Iterator[list[Made]]:
    while chunk := list(itertools.islice(made, size)):
        yield chunk
