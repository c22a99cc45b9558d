"""Makes an ingest key and prints it, this once: what the admin does, for scripts."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from realtime.ingestkeys import issue
from realtime.models import IngestKey


class Command(BaseCommand):
    help = "Makes an ingest key and prints it. It is shown this once: only a digest is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="whose key this is, such as a service or a phone")
        parser.add_argument(
            "--scope", action="append", choices=list(settings.INGEST_SCOPES), required=True, help="may be given again"
        )
        parser.add_argument("--bound-to", default="", help="the one courier or service that it speaks for")

    def handle(self, *, name: str, scope: list[str], bound_to: str, **options: Any) -> None:
        key = IngestKey(name=name.strip(), scopes=sorted(set(scope)), bound_to=bound_to.strip())
        try:
            key.full_clean(exclude=("prefix", "digest"))
        except ValidationError as error:
            reasons = (f"{field}: {' '.join(said)}" for field, said in error.message_dict.items())
            raise CommandError("; ".join(reasons)) from error
        self.stdout.write(issue(key))
