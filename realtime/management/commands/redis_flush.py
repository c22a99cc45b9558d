"""Deletes our keys in Redis (the brief's flushRedis); workers rebuild the state from the archive and Kafka."""

import json as encoder
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.asking import progress, require_yes
from realtime.state import StateAway
from realtime.state.inspect import flush
from realtime.streams import streams


class Command(BaseCommand):
    help = "Deletes Sightline's keys in Redis, and no others; running workers rebuild the state at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, yes: bool, json: bool, **options: Any) -> None:
        require_yes(yes, "Delete Sightline's keys in Redis?", "Nothing was deleted.")
        try:
            with progress("Deleting"):
                count = flush(streams())
        except StateAway as error:
            raise CommandError(str(error)) from error
        said = f"{count} keys deleted; a running worker now rebuilds them."
        self.stdout.write(encoder.dumps({"deleted": count}) if json else said)
