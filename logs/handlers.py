"""A logging handler for any Python service: its lines go to `service-logs`, and never hold the service up.

    producer = KafkaProducer(bootstrap_servers="kafka:9092")
    send = lambda service, value: producer.send("service-logs", key=service.encode(), value=value)
    logging.getLogger().addHandler(KafkaHandler(send, "billing", flush=producer.flush))

Imports neither Django nor a Kafka client.
"""

import contextlib
import json
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

CAPACITY = 10_000
"""Lines that wait while sending is slow; further ones are dropped and counted."""
FLUSH_S = 2.0
IDLE_S = 1.0
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class KafkaHandler(logging.Handler):
    """Writes each record as a JSON line and hands it to `send(service, line)` on a thread of its own.

    `send` may block and may raise: the service never waits, and a line that could not be sent counts as dropped. Once
    there is room again one WARN line tells how many were lost. `skip` and `keep` are names of loggers with what is
    below them, the longer name counts: skip whatever `send` itself logs, or a line would make the next one. What the
    sending thread logs is never sent. `flush` is called at exit, after the last line.
    """

    def __init__(
        self,
        send: Callable[[str, bytes], Any],
        service: str,
        *,
        skip: Iterable[str] = ("kafka",),
        keep: Iterable[str] = (),
        capacity: int = CAPACITY,
        flush: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__()
        self.service = service
        self.sent = 0
        self._send, self._flush, self._capacity = send, flush, capacity
        self._rules = {**dict.fromkeys(keep, True), **dict.fromkeys(skip, False)}
        self._waiting: SimpleQueue[bytes] = SimpleQueue()  # its put may be interrupted by another put
        self._accepted = self._overflowed = 0  # written where lines are made, under the handler's lock
        self._done = self._failed = self._told = 0  # written by the sending thread alone
        self._thread: threading.Thread | None = None
        self._pid = 0

    @property
    def dropped(self) -> int:
        """Lines that were not sent: there was no room for them, or `send` raised."""
        return self._overflowed + self._failed

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is self._thread or not self._takes(record.name):
            return
        if self._waiting.qsize() >= self._capacity:
            self._overflowed += 1
            return
        try:
            line = self._written(record)
        except Exception:
            self.handleError(record)
            return
        self._accepted += 1
        self._waiting.put(line)
        if self._pid != os.getpid():  # also after a fork, which takes no threads along
            self._start()

    def _takes(self, name: str) -> bool:
        while name:
            if name in self._rules:
                return self._rules[name]
            name = name.rpartition(".")[0]
        return True

    def _written(self, record: logging.LogRecord) -> bytes:
        line: dict[str, Any] = {key: value for key, value in record.__dict__.items() if key not in _USUAL}
        if record.exc_info and record.exc_info[0]:
            line["stack"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        elif record.stack_info:
            line["stack"] = record.stack_info
        line |= {"logger": record.name, "process": record.process, "thread": record.threadName}
        own = {"timestamp": int(record.created * 1000), "level": record.levelname, "message": record.getMessage()}
        return self._encoded({**line, **own})

    def _encoded(self, line: dict[str, Any]) -> bytes:
        return json.dumps({"service": self.service, **line}, default=str, skipkeys=True).encode()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="log-shipping", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with contextlib.suppress(Empty):
                if not self._hand_over(self._waiting.get(timeout=IDLE_S)):
                    self._failed += 1
                self._done += 1
            if self.dropped > self._told and self._waiting.qsize() <= self._capacity // 2:
                self._tell_dropped()

    def _hand_over(self, line: bytes) -> bool:
        try:
            self._send(self.service, line)
        except Exception:
            return False
        self.sent += 1
        return True

    def _tell_dropped(self) -> None:
        """Says how many lines are missing; while nothing can be sent, that is said later."""
        dropped = self.dropped
        message = f"{dropped - self._told} log lines of this process were dropped, since they could not be sent in time"
        line = {"timestamp": int(time.time() * 1000), "level": "WARN", "message": message, "logger": __name__}
        if self._hand_over(self._encoded(line)):
            self._told = dropped

    def flush(self) -> None:
        """Waits until all lines were handed over, at most FLUSH_S."""
        end = time.monotonic() + FLUSH_S
        while self._pid == os.getpid() and self._done < self._accepted and time.monotonic() < end:
            time.sleep(0.01)

    def close(self) -> None:
        """At exit: the lines that wait, then what `send` itself holds."""
        self.flush()
        if self._flush is not None:
            self._flush()
            self._flush = None
        super().close()
