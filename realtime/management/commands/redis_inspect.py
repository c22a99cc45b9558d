"""Shows our keys in Redis with their values (the brief's checkRedis)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.state import StateAway
from realtime.state.inspect import keys
from realtime.streams import streams


class Command(BaseCommand):
    help = "Prints every key of Sightline in Redis with its type, size and the beginning of its value."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *, json: bool, **options: Any) -> None:
        try:
            found = list(keys(streams()))
        except StateAway as error:
            raise CommandError(str(error)) from error
        for key in found:
            self.stdout.write(as_json(key._asdict()) if json else f"{key.name}  {key.type} {key.size}  {key.value}")
        if not json:
            self.stdout.write(f"{len(found)} keys")


def as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
