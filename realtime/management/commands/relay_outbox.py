"""The relay process: publishes what saves left in the outbox."""

import contextlib
import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError

from realtime import heartbeat, metrics, vitals
from realtime.kafka_settings import KafkaAway
from realtime.outbox import depth
from realtime.policy import Backoff, Every
from realtime.producer import Producer
from realtime.relay import Relay, reconnect
from realtime.state import StateAway, wait_for_nudge

logger = logging.getLogger("realtime.relay")

POLL_S, MEASURE_S = 1.0, 5.0


class Command(BaseCommand):
    help = "Publishes the outbox to Kafka, in order; one relay at a time, others stand by."

    def handle(self, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with vitals.shown("relay"):
            run(stop)


def run(stop: threading.Event) -> None:
    """Relays until `stop` is set; waits for whatever is away."""
    complain, backoff = Every(60), Backoff(least=0.1)
    prune, measure = Every(600), Every(MEASURE_S)
    relay: Relay | None = None
    while not stop.is_set():
        heartbeat.beat()
        try:
            if measure.due(time.monotonic()):
                waiting = depth()
                metrics.OUTBOX.set(waiting.rows)
                metrics.OUTBOX_AGE.set(waiting.oldest_s)
                metrics.OUTBOX_PARKED.set(waiting.parked)
            if relay is None:
                relay = Relay(Producer("sightline-relay"))
            sent = relay.turn()
            metrics.HOLDS_LEASE.set(relay.holds)
            if sent:
                backoff.reset()
                continue
            if relay.holds and prune.due(time.time()):
                relay.prune()
            rest(stop, relay.holds)
        except (KafkaAway, OperationalError, InterfaceError) as error:
            if complain.due(time.time()):
                logger.warning("%s The outbox keeps what is to be sent.", error)
            reconnect()
            if relay is not None and isinstance(error, KafkaAway):
                # Its producer would go on sending what the next turn sends again.
                end(relay, 0)
                relay = None
            stop.wait(backoff.wait())
    if relay is not None:
        end(relay)


def end(relay: Relay, timeout_s: float = 5) -> None:
    """Lets another relay take the lease, and drops what the producer has not sent in time."""
    with contextlib.suppress(OperationalError, InterfaceError):
        relay.release()
    relay.producer.close(timeout_s)


def rest(stop: threading.Event, holds: bool) -> None:
    """Sleeps until a save nudges, at most POLL_S. A nudge wakes one relay: it is for who holds the lease."""
    if not holds:
        stop.wait(POLL_S)
        return
    try:
        wait_for_nudge(POLL_S)
    except StateAway:
        stop.wait(POLL_S)
