"""The steps of the demo, in order: servers, database, topics, a staff user, things to look at, processes."""

from __future__ import annotations

import datetime as dt
import fcntl
import http.client
import importlib
import os
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections
from django.utils.module_loading import module_has_submodule

from compose.local.process import LocalServerError, Process, require_free
from realtime.demo.certificate import certificate
from realtime.demo.place import Place, in_url
from realtime.demo.servers import start_kafka, start_redis
from realtime.demo.supervisor import Supervisor
from realtime.guard import is_public

STAFF_NAME = "admin"
READY_S = 60.0
LOOK_EVERY_S = 0.3
WORKERS = {
    "live": ["consume_kafka", "--group", "live"],
    "archive": ["consume_kafka", "--group", "archive"],
    "relay": ["relay_outbox"],
    "webhooks": ["send_webhooks"],
    "simulate": ["simulate"],
}
Say = Callable[[str], None]
Go = Callable[[], bool]
Pages = dict[str, str]


def run(place: Place, env: Mapping[str, str], say: Say, ready: Callable[[Pages], None], go_on: Go) -> None:
    """Start everything, call `ready` with what there is to open, watch until `go_on` says no, end everything."""
    supervisor = Supervisor(say)
    with only_one(place.state):
        require_free("The web server", place.port, place.host, "choose another with PORT=8001 make demo")
        try:
            pages = prepare(place, env, supervisor, say)
            web = start_processes(place, env, supervisor)
            say("Waiting for the first page")
            web.wait_until(lambda: answers_ready(place.url), READY_S)
            ready(pages)
            while go_on():
                supervisor.look(time.monotonic())
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            say("Stopping")
            raise
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            supervisor.stop()


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Two demos must not share a folder. The kernel lets go of the lock when the holder dies."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalServerError(f"a demo is running from {state} already; stop that one first") from error
        yield


def prepare(place: Place, env: Mapping[str, str], supervisor: Supervisor, say: Say) -> Pages:
    """Servers, tables, topics, and what there is to see. Kafka starts while the database is made ready."""
    start_redis(env, place.state, supervisor, say)
    kafka_is_ready = start_kafka(env, place.state, supervisor, say)
    call_command("migrate", verbosity=0, interactive=False)
    make_staff_user(env.get("DEMO_PASSWORD", ""))
    say(f"Database: {connection.vendor}, up to date")
    kafka_is_ready()
    with Path(os.devnull).open("w") as nowhere:
        call_command("kafka_topics", stdout=nowhere)
    pages = seed()
    connections.close_all()
    return pages


def make_staff_user(password: str) -> None:
    """`admin` with DEMO_PASSWORD; without one, `admin` when it is new and else whatever it was."""
    user, is_new = get_user_model().objects.get_or_create(
        username=STAFF_NAME, defaults={"is_staff": True, "is_superuser": True}
    )
    if is_new or password:
        user.set_password(password or STAFF_NAME)
        user.save()


def seed() -> Pages:
    """Any installed app may have a module `demo` with a function `seed()` that is harmless to call again.

    It returns the paths that are worth opening, each with what it shows.
    """
    pages: Pages = {}
    for app in apps.get_app_configs():
        if app.name != "realtime" and app.module and module_has_submodule(app.module, "demo"):
            pages |= importlib.import_module(f"{app.name}.demo").seed()
    return pages


def start_processes(place: Place, env: Mapping[str, str], supervisor: Supervisor) -> Process:
    """Start all of them; returns the web process."""
    extra = {"PYTHONUNBUFFERED": "1", "LOGS_SHIP_OWN": env.get("LOGS_SHIP_OWN") or "true"}
    if not env.get("DJANGO_ALLOWED_HOSTS"):
        # Error pages with details are for this machine and its network.
        near = [host for host in place.hosts() if not is_public(host)]
        extra["DJANGO_ALLOWED_HOSTS"] = ",".join(in_url(host) for host in near)
    # An access log would hold the tokens of tracking pages.
    web = child(place, "web", ["-m", "realtime.serve", "-v", "0", *listen(place), "realtime.asgi:application"], extra)
    supervisor.start(web)
    for name, arguments in WORKERS.items():
        supervisor.start(child(place, name, ["manage.py", *arguments], extra))
    return web


def child(place: Place, name: str, arguments: list[str], env: Mapping[str, str]) -> Process:
    log = place.state / f"logs/{name}.log"
    return Process(name, [sys.executable, *arguments], log=log, env=env, cwd=settings.BASE_DIR, grace_s=6.0)


def listen(place: Place) -> list[str]:
    """Daphne's arguments for where to listen."""
    if not place.tls:
        return ["-b", place.host, "-p", str(place.port)]
    cert, key = certificate(place.state / "tls", place.hosts(), dt.datetime.now(dt.UTC))
    parts = {"privateKey": key, "certKey": cert, "interface": place.host}
    # A colon parts the fields of an endpoint; the ones inside a value are escaped.
    fields = [f"{name}={str(value).replace(':', chr(92) + ':')}" for name, value in parts.items()]
    return ["-e", ":".join(["ssl", str(place.port), *fields])]


def answers_ready(url: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # our own certificate, on this machine
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=3, context=context) as response:  # nosec B310 - our own address
            return bool(response.status == 200)
    except (OSError, http.client.HTTPException):
        return False
