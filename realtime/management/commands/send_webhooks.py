"""Sends what apps have noted to be told to others, by webhook or e-mail; several may run."""

import logging
import signal
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from realtime import heartbeat, vitals

logger = logging.getLogger(__name__)

POLL_S, PRUNE_S, AWAY_S = 1.0, 3600.0, 5.0


class Command(BaseCommand):
    """Any installed app may have a module `outgoing` with `send_due()`, how many it tried, and `prune(now)`."""

    help = "Tells changes of orders, and alerts, to the webhooks and addresses that staff set up in the admin."

    def handle(self, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with vitals.shown("webhooks"):
            run(stop)


def run(stop: threading.Event) -> None:
    """Sends until `stop` is set, each app on a thread of its own: receivers of one that are slow hold up no other's.

    What goes wrong unforeseen on one thread ends all of them and is raised here, so that a supervisor starts anew.
    """
    with ThreadPoolExecutor() as pool:
        sending = [pool.submit(_send, outgoing, stop) for outgoing in senders()]
        wait(sending, return_when=FIRST_EXCEPTION)
        stop.set()
    for future in sending:
        future.result()


def senders() -> list[ModuleType]:
    """The modules `outgoing` of the installed apps."""
    return [
        import_module(f"{app.name}.outgoing")
        for app in apps.get_app_configs()
        if app.module and module_has_submodule(app.module, "outgoing")
    ]


def _send(outgoing: ModuleType, stop: threading.Event) -> None:
    """Sends what an app has until `stop` is set; waits for a database that is away."""
    prune_at = time.monotonic()
    while not stop.is_set():
        heartbeat.beat()
        try:
            if time.monotonic() >= prune_at:
                outgoing.prune(timezone.now())
                prune_at = time.monotonic() + PRUNE_S
            if not outgoing.send_due():
                stop.wait(POLL_S)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not answer (%s); what is to be told waits.", error)
            connection.close()
            stop.wait(AWAY_S)
    connection.close()
