"""The whole system on this machine, from one command."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Runs the whole system here: Redis, Kafka, web, workers, relay, simulator. Ctrl-C ends all of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-parent", action="store_true", help="end when the process that started this one has ended"
        )
        state = getattr(settings, "STATE_DIR", Path(".demo"))
        parser.add_argument("--state", type=Path, default=state, help="where everything is kept (default .demo)")

    def handle(self, *, with_parent: bool, state: Path, **options: Any) -> None:
        try:
            from realtime.demo.command import demo  # neither an image nor an installed package has it
        except ModuleNotFoundError as error:
            raise CommandError("The demo is a part of Sightline's checkout: run `make demo` there.") from error
        demo(state, with_parent)
