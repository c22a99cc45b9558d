"""What viewers cost: memory of idle ones, processor time of their heartbeats, how long a large snapshot takes."""

from __future__ import annotations

import json
import time

from websockets.sync.client import connect

from tests.bench import records
from tests.bench.crowd import Crowd, cpu_s, rss_kb
from tests.bench.place import Place
from tests.bench.report import Row
from tests.bench.throughput import ORDERS, _catch_up

IDLE_S = 16.0
"""Every viewer has its heartbeat within it."""


def idle(place: Place, repeats: int, n: int) -> list[Row]:
    """5,000 viewers of the log page while nothing happens."""
    row = Row("viewer-kb", "KB")
    shares = []
    for _ in range(repeats):
        with place.running("web", "live", PUSH_INTERVAL_MS="50"):
            pid = place.pid("web")
            with Crowd(place.port, "/ws/logs/", place.cookie, 50):
                pass
            before = rss_kb(pid)
            with Crowd(place.port, "/ws/logs/", place.cookie, n):
                row.values.append((rss_kb(pid) - before) / n)
                used = cpu_s(pid)
                time.sleep(IDLE_S)
                shares.append((cpu_s(pid) - used) / IDLE_S)
    row.note = f"{n:,} idle viewers in one process; their heartbeats take {100 * max(shares):.1f} % of a core at most"
    return [row]


def snapshot(place: Place, repeats: int, n: int) -> list[Row]:
    """From the request for `/ws/orders/` to its last frame, with 10,000 active orders."""
    row = Row("snapshot-ms", "ms")
    if not place.client.exists("order:ORD-009999"):
        place.fill(ORDERS, records.orders(10_000, 10_000))
        _catch_up(place)
    with place.running("web", "live"):
        for _ in range(repeats):
            begun, frames, orders = time.monotonic(), 0, 0
            url, cookie = f"ws://127.0.0.1:{place.port}/ws/orders/", {"Cookie": f"sessionid={place.cookie}"}
            with connect(url, additional_headers=cookie, proxy=None, max_size=None, compression=None) as socket:
                more = True
                while more:
                    frame = json.loads(socket.recv(timeout=30))
                    frames += 1
                    socket.send(json.dumps({"type": "ack", "frames": frames}))
                    more = frame["type"] == "heartbeat" or frame.get("more", False)
                    orders += len(frame.get("orders", ()))
                row.values.append((time.monotonic() - begun) * 1000)
    row.note = f"{orders:,} orders in {frames} frames, read by a plain client in Python"
    return [row]
