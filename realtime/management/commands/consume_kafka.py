"""A worker: reads the topics as a member of the group `live` (into Redis) or `archive` (into the database)."""

import gc
import logging
import os
import signal
import socket
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from realtime import deadletters, heartbeat, measured, vitals
from realtime.api import Stream
from realtime.archive import ArchiveState, marks
from realtime.duties import Duties
from realtime.failpoints import reach
from realtime.gate import Gate, TooManyMalformed
from realtime.groups import Pusher
from realtime.kafka_settings import KafkaAway, dead_letter_topic
from realtime.pipeline import Pipeline
from realtime.policy import Every
from realtime.source import KafkaSource
from realtime.state.connection import client, names
from realtime.state.live import LiveState
from realtime.streams import streams

logger = logging.getLogger("realtime.worker")

RETRY_S = 1.0
TOO_MANY_MALFORMED = 3
"""The exit code of a worker that the limit of a topic has stopped."""


class Command(BaseCommand):
    help = "Reads Kafka: --group live keeps Redis true and pushes to the pages, --group archive fills the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", choices=("live", "archive"), required=True)
        parser.add_argument("--topics", default="", help="only these, separated by commas (default: all)")
        parser.add_argument(
            "--divert",
            type=int,
            default=0,
            metavar="N",
            help="let N more malformed records through where the limit of a topic has stopped the worker (live only)",
        )
        parser.add_argument("--instance-id", default=None, help="static membership; unique, not for scaled containers")

    def handle(self, *, group: str, topics: str, divert: int, instance_id: str | None, **options: Any) -> None:
        if divert < 0:
            raise CommandError(f"--divert is {divert}; it takes a number of records, from 0.")
        if divert and group != "live":
            raise CommandError("--divert is for --group live; the archive diverts nothing.")
        chosen = choose(topics)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            with vitals.shown(group):
                run(group, chosen, instance_id, stop, divert)
        except TooManyMalformed as error:
            raise CommandError(str(error), returncode=TOO_MANY_MALFORMED) from error


def choose(topics: str) -> list[Stream]:
    """The streams of these topics. Raises CommandError for a topic that no stream reads."""
    wanted = [topic.strip() for topic in topics.split(",") if topic.strip()]
    known = {stream.topic: stream for stream in streams()}
    for topic in wanted:
        if topic not in known:
            raise CommandError(f"--topics names {topic!r}; there are {', '.join(known)}.")
    return [known[topic] for topic in wanted] if wanted else list(known.values())


def run(group: str, chosen: list[Stream], instance_id: str | None, stop: threading.Event, divert: int = 0) -> None:
    """Turns the worker's loop until `stop` is set. Raises TooManyMalformed."""
    topics = topics_of(group, chosen)
    source = connect(topics, group, instance_id, stop)
    if source is None:
        return
    pipeline, ends = build(group, chosen, source, divert)
    gc.freeze()  # what is loaded by now stays: the collector need not look through it again and again
    duties = Duties([duty for stream in chosen for duty in stream.duties] if group == "archive" else [])
    duties.start()
    logger.info("Worker %d of group %s reads %s.", os.getpid(), group, ", ".join(topics))
    try:
        while not stop.is_set():
            heartbeat.beat()
            pipeline.turn(time.time())
    finally:
        duties.stop()
        pipeline.close()
        for end in ends:
            end()
    logger.info("Worker %d has applied %d records and ends.", os.getpid(), pipeline.applied)


def topics_of(group: str, chosen: list[Stream]) -> list[str]:
    """What a group reads; the archive reads the dead letters too."""
    topics = [stream.topic for stream in chosen]
    return [*topics, *map(dead_letter_topic, topics)] if group == "archive" else topics


def connect(topics: list[str], group: str, instance_id: str | None, stop: threading.Event) -> KafkaSource | None:
    """A source, once a broker answers; says once a minute that it waits. None when asked to stop before."""
    complain = Every(60)
    while not stop.is_set():
        heartbeat.beat()
        try:
            known = topics_of(group, list(streams()))
            return KafkaSource(topics, settings.KAFKA_GROUP_PREFIX + group, instance_id, known)
        except KafkaAway as error:
            if complain.due(time.time()):
                logger.warning("%s Waiting.", error)
            stop.wait(RETRY_S)
    return None


def build(
    group: str, chosen: list[Stream], source: KafkaSource, divert: int = 0
) -> tuple[Pipeline, list[Callable[[], None]]]:
    """The pipeline of a group over this source, and what to call at its end."""
    by_topic = {stream.topic: stream for stream in chosen}
    common: dict[str, Any] = {"reach": reach, "batch_records": settings.BATCH_RECORDS}
    if group == "archive":
        by_topic |= {dead_letter_topic(topic): deadletters.stream(topic) for topic in by_topic}
        archive = measured.MeasuredState(group, ArchiveState(), source)
        return Pipeline(source, archive, by_topic, push=ignore, divert=None, **common), []
    pusher, diverter = Pusher(), deadletters.Diverter()
    worker = f"{socket.gethostname()}-{os.getpid()}"
    state = LiveState(client(), names(), streams(), source, marks, worker)
    ports: dict[str, Any] = {"push": measured.push(pusher), "divert": measured.divert(diverter)}
    watched = measured.MeasuredState(group, state, source)
    pipeline = Pipeline(source, watched, by_topic, gate=Gate(extra=divert), **ports, **common)
    return pipeline, [state.leave, pusher.close, diverter.close]


def ignore(_: Any) -> None:
    """The archive pushes nothing."""
