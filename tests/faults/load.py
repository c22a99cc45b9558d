"""The load: numbered events to Kafka at a rate, and what was acknowledged of them.

Each event carries its own number in its `note` (orders) or message (log lines), so that loss, repetition and going
backwards can be counted wherever it shows.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kafka import KafkaProducer

from tests.faults.truth import Stamp, Truth, stamp_of

ORDERS, COURIERS = 2_000, 40
ORDER_TOPIC, LOCATION_TOPIC, LOG_TOPIC = TOPICS = ("order-updates", "location-updates", "service-logs")
STATUSES = ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Failed attempt")
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
ACK_S = 150
BY_MAGIC = {"source": "replay", "timescale": 1e9}
"""Our couriers jump about the city within milliseconds; nobody else's may."""


class Sent(NamedTuple):
    """One record on its way: what it says, and the future of its acknowledgement."""

    topic: str
    key: str
    number: int
    time: int
    said: dict[str, Any]
    future: Any


class Load:
    """Sends in a thread of its own; `finish` waits for every acknowledgement and adds it to the truth.

    An event that Kafka did not acknowledge may be there or not, so that a row with one has failed: `unacknowledged`.
    """

    def __init__(self, bootstrap: str, truth: Truth, seed: int = 1) -> None:
        self.truth = truth
        self.time_of: dict[str, int] = {}
        """When each order event happened by its own clock, by its note: what a viewer must not go back on."""
        self.numbers: dict[int, str] = {}
        """Order events of this row that were acknowledged, and whose they are."""
        self.lines: Counter[tuple[str, str]] = Counter()
        """Acknowledged log lines of this row, by service and level."""
        self.ends: dict[tuple[str, int], int] = {}
        """By topic and partition: the offset after the last acknowledged record."""
        self.unacknowledged = self.sent = 0
        """Of this row: records that nobody vouches for; order events sent."""
        self._rng = random.Random(seed)
        self._number = 0
        self._last: dict[str, int] = {}
        self._sent: list[Sent] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._bootstrap = bootstrap
        self._producer = self._connect()

    def _connect(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="faults",
            acks="all",
            enable_idempotence=True,
            linger_ms=10,
            delivery_timeout_ms=ACK_S * 1000,
            max_block_ms=ACK_S * 1000,
            max_request_size=4 * 1024 * 1024,
            metadata_max_age_ms=5_000,
            reconnect_backoff_max_ms=1_000,
        )

    # --- sending ------------------------------------------------------------------------------------------------------

    def start(self, row: str, count: int, rate: float = 0, lines: int | None = None, fixes: int | None = None) -> None:
        """Sends `count` order events, half as many lines and a tenth as many fixes; at `rate` order events a second."""
        self._stop.clear()
        plan = self.mixed(row, count, count // 2 if lines is None else lines, count // 10 if fixes is None else fixes)
        self._thread = threading.Thread(target=self._run, args=(plan, rate), daemon=True)
        self._thread.start()

    def mixed(self, row: str, events: int, lines: int, fixes: int) -> Iterator[Callable[[], None]]:
        """The sends of a plain load, evenly mixed."""
        for n in range(events):
            yield self.order
            for _ in range((n + 1) * lines // events - n * lines // events):
                yield lambda: self.line(row)
            for _ in range((n + 1) * fixes // events - n * fixes // events):
                yield self.fix

    def stop(self) -> None:
        """Ends the load before its count is reached."""
        self._stop.set()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self, plan: Iterator[Callable[[], None]], rate: float) -> None:
        began = time.monotonic()
        for done, send in enumerate(plan, 1):
            if self._stop.is_set():
                return
            send()
            if rate and done % 20 == 0:
                ahead = done / (1.6 * rate) - (time.monotonic() - began)
                if ahead > 0:
                    self._stop.wait(ahead)

    def order(self, order_id: str = "", time_ms: int = 0, **said: Any) -> int:
        """Sends the next order event and returns its number; without facts of its own it gets made-up ones."""
        number = self._next()
        order_id = order_id or f"ORD-{number % ORDERS:04d}"
        facts = {"note": str(number), **(said or self._facts(number))}
        moment = time_ms or self._later(order_id)
        self.time_of[str(number)] = moment
        self.send(ORDER_TOPIC, order_id, {"orderId": order_id, **facts, "timestamp": moment}, number, moment, facts)
        return number

    def again(self, number: int) -> None:
        """Sends the record of this event, the last one sent, once more: another record with another place."""
        sent = self._sent[-1]
        assert sent.number == number
        self.send(sent.topic, sent.key, {"orderId": sent.key, **sent.said, "timestamp": sent.time}, *sent[2:5])

    def line(self, row: str) -> None:
        """Sends a log line of this row, to any partition."""
        number = self._next()
        said = {"service": f"{row}-{number % 3}", "level": self._rng.choice(LEVELS)}
        self.send(LOG_TOPIC, "", {**said, "message": f"line {number}"}, number, 0, said)

    def fix(self) -> None:
        """Sends a courier's next fix."""
        rng, name = self._rng, f"Courier {self._rng.randrange(COURIERS)}"
        moment = self._later(name)
        said = {"lat": round(rng.uniform(12.9, 13.2), 5), "lng": round(rng.uniform(80.1, 80.4), 5)}
        said |= {"heading": float(rng.randrange(360)), "speed": float(rng.randrange(20))}
        value = {"name": name, **said, "timestamp": moment, **BY_MAGIC}
        self.send(LOCATION_TOPIC, name, value, 0, moment, said)

    def send(self, topic: str, key: str, value: dict[str, Any], number: int, moment: int, said: dict[str, Any]) -> Sent:
        future = self._producer.send(topic, json.dumps(value).encode(), key.encode() or None)
        sent = Sent(topic, key, number, moment, said, future)
        self.sent += topic == ORDER_TOPIC
        self._sent.append(sent)
        return sent

    def raw(self, topic: str, key: str, value: bytes | None) -> Any:
        """Sends bytes that are no event; they are no part of the truth but for the topic's end."""
        future = self._producer.send(topic, value, key.encode())
        self._sent.append(Sent(topic, key, 0, 0, {}, future))
        return future

    def _facts(self, number: int) -> dict[str, Any]:
        rng = self._rng
        facts: dict[str, Any] = {"status": rng.choice(STATUSES)}
        for name, make in MADE_UP.items():
            if rng.random() < 0.3:
                facts[name] = None if rng.random() < 0.1 else make(rng, number)
        return facts

    def _later(self, key: str) -> int:
        """Now, or just after the last time of this key: no two events of an order share a time."""
        with self._lock:
            self._last[key] = moment = max(int(time.time() * 1000), self._last.get(key, 0) + 1)
        return moment

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    # --- what was acknowledged ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new row: its numbers and lines are counted anew, the truth goes on."""
        self.numbers, self.lines = {}, Counter()
        self.unacknowledged = self.sent = 0

    def finish(self) -> None:
        """Waits until the load has been sent and acknowledged."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._producer.flush(ACK_S)
        for sent in self._sent:
            try:
                self._acknowledged(sent, sent.future.get(ACK_S))
            except Exception:  # of any kind: what matters is that nobody vouches for the record
                self.unacknowledged += 1
        self._sent.clear()

    def _acknowledged(self, sent: Sent, where: Any) -> None:
        at = (where.topic, where.partition)
        self.ends[at] = max(self.ends.get(at, 0), where.offset + 1)
        stamp: Stamp = stamp_of(sent.time, where.timestamp, where.partition, where.offset)
        if sent.topic == ORDER_TOPIC and sent.number:
            self.numbers[sent.number] = sent.key
            self.truth.add_order(sent.key, sent.said, stamp)
        elif sent.topic == LOCATION_TOPIC and sent.said:
            self.truth.add_fix(sent.key, sent.said, stamp)
        elif sent.topic == LOG_TOPIC and sent.said:
            self.lines[sent.said["service"], sent.said["level"]] += 1
            self.truth.lines[sent.said["service"], sent.said["level"]] += 1

    def forget(self, *topics: str) -> None:
        """These topics were deleted: what they held is no longer awaited, and a new producer knows nothing of them."""
        self.ends = {at: end for at, end in self.ends.items() if at[0] not in topics}
        self._producer.close(5)
        self._producer = self._connect()

    def close(self) -> None:
        self.stop()
        self._producer.close(5)


MADE_UP: dict[str, Callable[[random.Random, int], Any]] = {
    "customerName": lambda rng, n: f"Customer {n}",
    "publicNote": lambda rng, n: f"At the gate {n}",
    "items": lambda rng, n: [f"item {i}" for i in range(rng.randrange(1, 4))],
    "courier": lambda rng, n: f"Courier {rng.randrange(COURIERS)}",
    "eta": lambda rng, n: 1_800_000_000_000 + n,
    "due": lambda rng, n: 1_800_000_000_000 + 2 * n,
    "destination": lambda rng, n: {
        "name": f"House {n}", "lat": round(rng.uniform(12.9, 13.2), 5), "lng": round(rng.uniform(80.1, 80.4), 5),
    },
}  # fmt: skip
