"""What `manage.py doctor` looks at: every connection and setting, one after the other, each with what is wrong.

A broken part is told and the next one looked at. Judgements about Kafka and Redis are those of `checks`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error, Warning, run_checks
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from realtime.checks import check_kafka, check_redis
from realtime.logsafe import mask
from realtime.standing import GONE_MS
from realtime.state import StateAway
from realtime.state.overview import read_processes
from realtime.state.server import ping_url

DATABASE_AWAY, NOT_MIGRATED, LAYER_AWAY = "realtime.E010", "realtime.E011", "realtime.E012"
NO_LIVE_WORKER, NO_STATIC_FILES = "realtime.E013", "realtime.E014"
DEFAULT_KEY, NOT_RUNNING, NO_LIBRARIES = "realtime.W010", "realtime.W011", "realtime.W012"
MINIMAL_KEY = 32
STARTED_BY = {
    "archive": "manage.py consume_kafka --group archive",
    "relay": "manage.py relay_outbox",
    "web": "python -m realtime.serve realtime.asgi:application",
}
Problems = Sequence[CheckMessage]


class Part(NamedTuple):
    """One thing that was looked at, and what is wrong with it."""

    name: str
    problems: Problems


def examine() -> Iterator[Part]:
    """Looks at everything, in the order in which things need each other."""
    parts: dict[str, Callable[[], Problems]] = {
        "settings": check_settings,
        "database": check_database,
        "Redis": check_redis,
        "channel layer": check_layer,
        "Kafka": check_kafka,
        "processes": check_processes,
        "static files": check_static,
    }
    for name, look in parts.items():
        try:
            problems = look()
        except Exception as error:  # a part that cannot even be looked at must not hide the others
            problems = [Error(f"{type(error).__name__}: {mask(str(error))}", hint="This is not foreseen: report it.")]
        yield Part(name, problems)


def check_settings() -> Problems:
    """Django's own checks, with those for production where DEBUG is off; and the key that everybody knows."""
    found = [one for one in run_checks(include_deployment_checks=not settings.DEBUG) if not one.is_silenced()]
    if getattr(settings, "INSECURE_KEY", None) == settings.SECRET_KEY or len(settings.SECRET_KEY) < MINIMAL_KEY:
        what = "DJANGO_SECRET_KEY is the demo's own or too short: whoever knows it can sign in as anybody."
        make = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        found.append(Warning(what, hint=f"Set one before others can reach this: {make}", id=DEFAULT_KEY))
    return found


def check_database() -> Problems:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        what = f"The database does not answer ({mask(' '.join(str(error).split()))})."
        return [
            Error(what, hint="Look at DATABASE_URL: address, name, user, password; and start it.", id=DATABASE_AWAY)
        ]
    finally:
        connection.close()
    if not missing:
        return []
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return [Error(f"Migrations are not applied: {names}{more}.", hint="Run `manage.py migrate`.", id=NOT_MIGRATED)]


def check_layer() -> Problems:
    """The servers that pushes go through, where they are others than REDIS_URL."""
    others = [url for url in settings.CHANNEL_REDIS_URLS if url != settings.REDIS_URL]
    problems: list[CheckMessage] = []
    for url in others:
        try:
            ping_url(url)
        except StateAway as error:
            hint = "Look at CHANNEL_REDIS_URLS. Without it pages are told only every 2 s."
            problems.append(Error(mask(str(error)), hint=hint, id=LAYER_AWAY))
    return problems


def check_processes() -> Problems:
    """Who has shown itself in Redis lately. Without Redis nobody can be asked."""
    try:
        now, workers, processes = read_processes()
    except StateAway:
        return []
    problems: list[CheckMessage] = []
    if not [worker for worker in workers if now - worker["seen"] <= GONE_MS]:
        hint = "Start `manage.py consume_kafka --group live`; if it ends again, its log says why."
        problems.append(Error("No worker reads the topics into Redis.", hint=hint, id=NO_LIVE_WORKER))
    there = [process for process in processes if now - process["seen"] <= GONE_MS]
    for role, command in STARTED_BY.items():
        if role not in {process["role"] for process in there}:
            problems.append(Warning(f"No {role} process runs.", hint=f"Start `{command}`.", id=NOT_RUNNING))
    for process in there:
        if process["stalled"]:
            what = f"{process['name']} has not turned for {process['stalled']} s."
            problems.append(Error(what, hint="Its log says where it stands; restart it.", id=NOT_RUNNING))
    return problems


def check_static() -> Problems:
    """What pages load: collected where DEBUG is off, else found where it is developed."""
    if not settings.DEBUG and not staticfiles_storage.exists("realtime/live.js"):
        what = f"Static files are missing in {settings.STATIC_ROOT}: pages have neither style nor script."
        return [Error(what, hint="Run `manage.py collectstatic --no-input`.", id=NO_STATIC_FILES)]
    if settings.DEBUG and finders.find("npm/chart.js/dist/chart.umd.js") is None:
        what = "The libraries of the pages are missing: no charts, no maps."
        return [Warning(what, hint="Run `npm ci --omit=dev` in the checkout.", id=NO_LIBRARIES)]
    return []
