"""`manage.py prune`: deletes from the database what has been kept long enough. For a daily timer, or as its own."""

import json as encoder
import time
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from realtime.asking import progress


class Command(BaseCommand):
    """Any installed app may have a module `retention` with `prune(now)`, which returns counts by what they count."""

    help = "Deletes what the settings say has been kept long enough, and prints how much that was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, metavar="HOURS", help="go on, and do it again after so many hours")
        parser.add_argument("--json", action="store_true", help="print JSON, one object each time")

    def handle(self, *, every: float | None, json: bool, **options: Any) -> None:
        if every is not None and not 0 < every <= 24 * 365:
            raise CommandError(f"--every is {every:g}; it takes hours, more than 0 and at most a year's.")
        if every is None:
            try:
                return self._prune(json)
            except DatabaseError as error:
                raise CommandError(f"The database did not answer ({' '.join(str(error).split())}).") from error
        while True:
            try:
                self._prune(json)
            except DatabaseError as error:
                self.stderr.write(f"The database did not answer ({error}); the next time is in {every:g} h.")
            connection.close()
            time.sleep(every * 3600)

    def _prune(self, json: bool) -> None:
        now = timezone.now()
        counts: dict[str, int] = {}
        with progress("Pruning") as show:
            for app in apps.get_app_configs():
                if app.module and module_has_submodule(app.module, "retention"):
                    show(f"Pruning {app.verbose_name}")
                    counts |= import_module(f"{app.name}.retention").prune(now)
        if json:
            return self.stdout.write(encoder.dumps(counts))
        for what, count in counts.items():
            self.stdout.write(f"{what}: {count}")
        return None
