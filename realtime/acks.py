"""Publishing to Kafka within a request: one producer per process, and an answer only once every replica has it."""

import atexit
import threading
import time
from collections.abc import Sequence

from realtime.kafka_settings import KafkaAway
from realtime.producer import Producer, acknowledged

DEADLINE_S = 2.0
"""How long a request waits for Kafka."""
REST_S = 1.0
"""After a failure requests are told at once for so long, instead of each waiting out its deadline."""
Item = tuple[str, str | None, bytes] | tuple[str, str | None, bytes, Sequence[tuple[str, bytes]]]
"""Topic, key, value and, where there are any, headers."""


class Publisher:
    """Publishes for all threads of a process, over one producer that is made at first need."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._away_until = 0.0

    def publish(self, items: Sequence[Item]) -> None:
        """Publishes items and waits for their acknowledgements; raises KafkaAway after the deadline.

        Then some of them may have arrived: a caller that sends them again repeats those.
        """
        if not items:
            return
        end = time.monotonic() + self._deadline_s
        if time.monotonic() < self._away_until:
            raise KafkaAway("publishing")
        try:
            producer = self._connected(end)
            futures = [producer.send(*item) for item in items]
            for future in futures:
                acknowledged(future, max(0.0, end - time.monotonic()))
        except KafkaAway:
            self._away_until = time.monotonic() + REST_S
            raise

    def close(self) -> None:
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(self._deadline_s)

    def _connected(self, end: float) -> Producer:
        if not self._lock.acquire(timeout=max(0.0, end - time.monotonic())):
            raise KafkaAway("connecting")
        try:
            if self._producer is None:
                self._producer = Producer("sightline-web", wait_s=self._deadline_s, give_up_s=self._deadline_s)
            return self._producer
        finally:
            self._lock.release()


_publisher = Publisher()
atexit.register(_publisher.close)
acked_publish = _publisher.publish
