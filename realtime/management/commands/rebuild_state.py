"""Rebuilds Redis from the database and Kafka, as a worker does where Redis has lost its state."""

import json as encoder
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from realtime.archive import marks
from realtime.asking import progress, require_yes
from realtime.pipeline import Away
from realtime.policy import Every
from realtime.source import KafkaSource
from realtime.state.connection import client, names
from realtime.state.live import LiveState
from realtime.streams import streams

TELL_S = 1.0


class Command(BaseCommand):
    help = (
        "Throws the state in Redis away and makes it again from the database and Kafka. Safe while workers run: they "
        "wait meanwhile, and then read what the database does not hold. Pages show what they have, marked as old."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print JSON at the end")

    def handle(self, *, yes: bool, json: bool, **options: Any) -> None:
        require_yes(yes, "Rebuild the state in Redis from the database and Kafka?", "Nothing was changed.")
        topics = [stream.topic for stream in streams()]
        try:
            source = KafkaSource(topics, settings.KAFKA_GROUP_PREFIX + "rebuild")  # never polled: it joins no group
            try:
                left = self.rebuild(source, quiet=json)
            finally:
                source.close()
        except Away as error:
            raise CommandError(str(error)) from error
        said = f"The state is rebuilt; running workers read the remaining {left} records from Kafka."
        self.stdout.write(encoder.dumps({"remaining": left}) if json else said)

    def rebuild(self, source: KafkaSource, quiet: bool = False) -> int:
        """Rebuilds; returns how many records of the topics are not in it yet. Raises Away."""
        due = Every(TELL_S)
        state = LiveState(client(), names(), streams(), source, marks, "rebuild")
        with progress("Rebuilding") as show:

            def tell(line: str) -> None:
                show(line)
                if not quiet and due.due(time.monotonic()):
                    self.stdout.write(line)

            state.rebuild(time.time(), tell)
        partitions = source.partitions()
        applied, ends = state.marks(partitions), source.ends(partitions)
        return sum(end - (applied[at].offset + 1 if at in applied else 0) for at, end in ends.items())
