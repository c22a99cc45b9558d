"""Sends outgoing webhooks; several may run."""

import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from orders import webhooks

logger = logging.getLogger(__name__)

POLL_S, PRUNE_S, AWAY_S = 1.0, 3600.0, 5.0


class Command(BaseCommand):
    help = "Tells changes of orders' statuses to the webhooks that staff set up in the admin."

    def handle(self, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(stop)


def run(stop: threading.Event) -> None:
    """Sends until `stop` is set; waits for a database that is away."""
    prune_at = time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() >= prune_at:
                webhooks.prune(timezone.now())
                prune_at = time.monotonic() + PRUNE_S
            if not webhooks.send_due():
                stop.wait(POLL_S)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not answer (%s); webhooks wait.", error)
            connection.close()
            stop.wait(AWAY_S)
