"""Publishes to Kafka: one long-lived producer per process that waits for every replica in sync."""

import contextlib
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from realtime.kafka_settings import KafkaAway, connection

MAX_REQUEST_BYTES = 5 * 1024 * 1024


class Client(KafkaProducer):  # type: ignore[misc]
    """Ends only by `close`: kafka-python's `__del__` would print a traceback where records are left unsent."""

    def __del__(self) -> None:
        pass


class Producer:
    """Sends records in the order of the calls, per partition; a retry neither doubles nor reorders them.

    Every method raises KafkaAway where no broker answers in time.
    """

    def __init__(
        self, client_id: str, *, wait_s: float = 10.0, linger_ms: int = 0, give_up_s: float | None = None
    ) -> None:
        """`give_up_s`: how long a record is tried before it counts as failed; default: kafka-python's two minutes."""
        patience = {} if give_up_s is None else _patience(give_up_s, linger_ms)
        try:
            self._producer = Client(
                client_id=client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=linger_ms,
                max_request_size=MAX_REQUEST_BYTES,
                max_block_ms=int(wait_s * 1000),
                bootstrap_timeout_ms=int(wait_s * 1000),
                **patience,
                **connection(),
            )
        except KafkaError as error:
            raise KafkaAway("connecting") from error

    def send(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp: int | None = None,
    ) -> Any:
        """Queues a record; the future's `get(timeout_s)` waits for its acknowledgement."""
        return self.send_bytes(topic, None if key is None else key.encode(), value, headers, timestamp)

    def send_bytes(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp: int | None = None,
    ) -> Any:
        """As `send`, for a key that may be any bytes. Kafka's client needs a key where there is no value."""
        if key is None and value is None:
            key = b""
        try:
            return self._producer.send(topic, value, key, list(headers), timestamp_ms=timestamp)
        except KafkaTimeoutError as error:
            raise KafkaAway(f"publishing to {topic}") from error

    def flush(self, timeout_s: float = 10) -> None:
        """Waits until everything sent is acknowledged or has failed."""
        try:
            self._producer.flush(timeout_s)
        except KafkaTimeoutError as error:
            raise KafkaAway("publishing") from error

    def close(self, timeout_s: float = 5) -> None:
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout_s)


def _patience(give_up_s: float, linger_ms: int) -> dict[str, int]:
    """A request may take all of the time but what a record lingers: kafka-python wants the sum below the whole."""
    whole = int(give_up_s * 1000)
    return {"delivery_timeout_ms": whole, "request_timeout_ms": whole - linger_ms - 1}


def acknowledged(future: Any, timeout_s: float) -> None:
    """Waits for one record's acknowledgement; raises KafkaAway where it does not come."""
    try:
        future.get(timeout_s)
    except KafkaError as error:
        raise KafkaAway("publishing") from error
