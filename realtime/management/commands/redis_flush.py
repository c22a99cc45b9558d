"""Deletes our keys in Redis (the brief's flushRedis); workers rebuild the state from the archive and Kafka."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.state import StateAway
from realtime.state.inspect import flush
from realtime.streams import streams


class Command(BaseCommand):
    help = "Deletes Sightline's keys in Redis, and no others; running workers rebuild the state at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, yes: bool, **options: Any) -> None:
        if not yes and input("Delete Sightline's keys in Redis? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was deleted.")
        try:
            count = flush(streams())
        except StateAway as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} keys deleted; a running worker now rebuilds them.")
