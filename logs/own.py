"""Sightline's own log lines go the way of all others, but for those of the way itself."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from logs.events import TOPIC
from logs.handlers import KafkaHandler

SKIP = (
    "realtime",
    "logs",
    "kafka",
    "channels",
    "channels_redis",
    "daphne",
    "redis",
    "limits",
    "asyncio",
    "py.warnings",
)
"""What carries a line to the page may not make one of it: with no other input it would never fall silent."""
KEEP = ("realtime.relay", "realtime.ingestkeys")
WAIT_S = 30.0
"""For a broker, on a thread on which nobody waits."""
CLOSE_S = 2.0


class Sending:
    """Makes the producer at the first line, on the handler's thread, since nothing may wait for Kafka at the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._producer: Any = None
        self._mask: Callable[[str], str] = str

    def __call__(self, service: str, line: bytes) -> None:
        """Raises KafkaAway where Kafka does not answer: the line is then counted as dropped."""
        with self._lock:
            if self._producer is None:
                from realtime.api import Producer, mask  # Django is not ready while it sets up logging

                self._producer = Producer("sightline-logs", wait_s=WAIT_S, linger_ms=50, give_up_s=60.0)
                self._mask = mask
            self._producer.send(TOPIC, service, self._mask(line.decode()).encode())

    def flush(self) -> None:
        with self._lock:
            if self._producer is not None:
                self._producer.close(CLOSE_S)


def handler() -> KafkaHandler:
    """For settings.LOGGING, as the handler `own`."""
    sending = Sending()
    return KafkaHandler(sending, service_of(sys.argv), skip=SKIP, keep=KEEP, flush=sending.flush)


def service_of(argv: list[str]) -> str:
    """`sightline-` and the command of manage.py, else `sightline-web`."""
    is_command = Path(argv[0]).name in ("manage.py", "django-admin") and len(argv) > 1
    name = argv[1].replace("_", "-") if is_command else "web"
    return f"sightline-{'web' if name == 'runserver' else name}"
