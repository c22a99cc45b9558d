"""Creates the topics and prints them."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime.kafka_settings import KafkaAway, dead_letter_topic
from realtime.streams import streams
from realtime.topics import PARTITIONS, Topics


class Command(BaseCommand):
    help = "Creates the topics of REALTIME_STREAMS and their dead-letter topics where they are missing; prints them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partitions", type=int, default=PARTITIONS, help=f"of a new topic (default {PARTITIONS})")
        parser.add_argument("--replication", type=int, default=-1, help="of a new topic (default: the broker's)")
        parser.add_argument(
            "--alter",
            action="store_true",
            help="also give topics that exist our configuration, and at least as many partitions as --partitions says "
            "(keys then go to other partitions: let workers reach the end first)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, partitions: int, replication: int, alter: bool, json: bool, **options: Any) -> None:
        if not 1 <= partitions <= 1000:
            raise CommandError(f"--partitions is {partitions}; it takes 1 to 1000.")
        names = [stream.topic for stream in streams()]
        try:
            topics = Topics()
            created = topics.create(names, partitions, replication)
            altered = topics.alter(names, partitions) if alter else {}
            found = topics.describe([name for topic in names for name in (topic, dead_letter_topic(topic))])
            topics.close()
        except KafkaAway as error:
            raise CommandError(str(error)) from error
        for topic in found:
            topic["created"] = topic["name"] in created
            topic["altered"] = altered.get(topic["name"], {})
        self.stdout.write(as_json(found) if json else as_text(found))


def as_json(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, indent=1)


def as_text(found: list[dict[str, Any]]) -> str:
    lines = [f"{t['name']:<24} {t['partitions']} partitions  life {t['life']}" for t in found]
    return "\n".join(f"{line}{remark(t)}" for line, t in zip(lines, found, strict=True))


def remark(topic: dict[str, Any]) -> str:
    """What this run did to a topic."""
    changes = ", ".join(f"{name} is now {value}" for name, value in topic["altered"].items())
    return "  (new)" if topic["created"] else f"  ({changes})" if changes else ""
