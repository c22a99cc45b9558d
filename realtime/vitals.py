"""A process's signs of life: one thread watches its loop, says how it does in Redis, and answers on METRICS_PORT."""

import contextlib
import logging
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from django.conf import settings

from realtime import heartbeat, metrics, metricsport
from realtime.policy import Every
from realtime.state import StateAway
from realtime.state import vitals as told
from realtime.windows import Window, buckets

logger = logging.getLogger(__name__)

SAY_S = 2.0
RATE_S = 10.0
"""Rates are those of so many seconds, percentiles those of a minute."""
HISTOGRAMS = ("sightline_apply_seconds", "sightline_produce_to_apply_seconds", "sightline_produce_to_screen_seconds")


def health() -> tuple[int, dict[str, object]]:
    """The status and body of `/healthz`: 503 where the loop has not turned for HEALTHZ_STALL_S."""
    now, heart = time.monotonic(), heartbeat.HEART
    if heart.stalled(now):
        return 503, {"status": "stalled", "reason": f"The loop has not turned for {heart.age(now):.0f} s."}
    return 200, {"status": "ok"}


class Vitals:
    """Looks after one loop, which runs on the thread that makes this."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.name = f"{role}-{socket.gethostname()}-{os.getpid()}"
        self._window = Window()
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()
        self._warned = False
        self._complain = Every(60.0)
        self._server: ThreadingHTTPServer | None = None
        self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)

    def start(self) -> None:
        heartbeat.HEART.stall_s = settings.HEALTHZ_STALL_S
        heartbeat.beat()
        metrics.LOOP_AGE.labels(self.role).set_function(lambda: heartbeat.HEART.age(time.monotonic()))
        if settings.METRICS_PORT:
            self._server = metricsport.serve(settings.METRICS_HOST, settings.METRICS_PORT, health)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and takes the process off the list of those that are there."""
        self._stop.set()
        self._thread.join(SAY_S)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        with contextlib.suppress(StateAway):
            told.unsay(self.name)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look(time.monotonic())
            except StateAway:
                pass  # then the page has nothing to show anyway, and says so
            except Exception as error:
                if self._complain.due(time.monotonic()):
                    logger.warning("This process could not tell how it does (%s).", error)
            self._stop.wait(SAY_S)

    def _look(self, now: float) -> None:
        self._warn(now)
        self._window.add(now, metrics.figures())
        told.say(self.name, self.summary(now))

    def summary(self, now: float) -> dict[str, Any]:
        """What the page of the pipeline needs of this process."""
        seconds, lately = self._window.gained(RATE_S)
        _, minute = self._window.gained()
        rates = {
            name.removeprefix("sightline_"): round(gain / seconds, 2)
            for name, gain in lately.items()
            if gain > 0 and "_total" in name
        }
        return {
            "role": self.role,
            "stalled": round(heartbeat.HEART.age(now)) if heartbeat.HEART.stalled(now) else 0,
            "rates": rates,
            "latency": {name: found for name in HISTOGRAMS if any((found := buckets(minute, name)).values())},
            "partitions": [
                {"group": group, "topic": topic, "partition": int(number), "lag": n}
                for (group, topic, number), n in metrics.lags().items()
            ],
        }

    def _warn(self, now: float) -> None:
        """Says once where a loop stands that does not turn: nobody could ask it."""
        stalled = heartbeat.HEART.stalled(now)
        if stalled and not self._warned:
            frame = sys._current_frames().get(self._loop_thread)
            stack = "".join(traceback.format_stack(frame)) if frame else "unknown\n"
            age = heartbeat.HEART.age(now)
            logger.error(
                "The loop of this %s process has not turned for %.0f s. It stands at:\n%s", self.role, age, stack
            )
        self._warned = stalled


@contextlib.contextmanager
def shown(role: str) -> Iterator[None]:
    """For a command whose loop calls `heartbeat.beat` at each turn."""
    vitals = Vitals(role)
    vitals.start()
    try:
        yield
    finally:
        vitals.stop()
