"""The ground that rows stand on: servers, processes, the load that was sent to them and who watches."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import redis
from kafka import KafkaConsumer, TopicPartition

from compose.local.kafka import LocalKafka
from compose.local.process import Process, stop_all
from tests.faults.load import TOPICS, Load
from tests.faults.truth import Truth
from tests.faults.viewers import Crowd
from tests.live import session_of
from tests.servers import Stack

T = TypeVar("T")
WORKER = ("manage.py", "consume_kafka", "--group", "live")
ARCHIVE = ("manage.py", "consume_kafka", "--group", "archive")
RELAY = ("manage.py", "relay_outbox")


class Failed(Exception):
    """A row cannot go on: something did not come about in time."""


def until(what: str, condition: Callable[[], T], deadline_s: float, every_s: float = 0.1) -> T:
    """The first true value of `condition`; raises Failed where none comes in time."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {deadline_s:g} s")
        time.sleep(every_s)
    return value


class Ground:
    """A running stack with 100 viewers; rows share it one after another."""

    def __init__(
        self, folder: Path, kafka: LocalKafka | None = None, database_url: str = "", viewers: int = 100
    ) -> None:
        self.stack = Stack(folder, kafka=kafka, database_url=database_url)
        self.viewers = viewers
        self.truth = Truth()
        self.load: Load
        self.crowd: Crowd
        self._altered: set[str] = set()
        self.redis = redis.Redis.from_url(self.stack.redis.url, socket_timeout=10)

    def start(self) -> None:
        self.stack.start()
        self.load = Load(self.stack.kafka.bootstrap, self.truth)
        orders = self.viewers * 6 // 10
        cookie = session_of(self.stack)
        self.crowd = Crowd(self.stack.base_url, cookie, self.load.time_of, orders, self.viewers - orders)
        until("all viewers hold a snapshot", lambda: self.crowd.look(lambda pages: all(p.cursor for p in pages)), 60)

    def stop(self) -> None:
        for close in (getattr(self, "crowd", None), getattr(self, "load", None)):
            if close is not None:
                close.close()
        for process in self.stack.processes.values():
            self._continue(process)
        self.stack.stop()
        self.redis.close()
        shutil.rmtree(self.stack.folder, ignore_errors=True)

    # --- processes ----------------------------------------------------------------------------------------------------

    def worker(self, name: str = "live", *options: str, **env: str) -> Process:
        """Starts a live worker under this name, in place of one that has ended."""
        self._altered.add(name)
        process = self.stack.add(name, *WORKER, *options, **env)
        process.start()
        return process

    def relay(self, name: str = "relay", **env: str) -> Process:
        """Starts a relay likewise."""
        self._altered.add(name)
        process = self.stack.add(name, *RELAY, **env)
        process.start()
        return process

    def end(self, *names: str) -> None:
        """SIGTERM to these, all at once, and waits for them."""
        gone = [self.stack.processes.pop(name) for name in names if name in self.stack.processes]
        for process in gone:
            self._continue(process)
        stop_all(gone)

    def usual(self) -> None:
        """One worker of each group and one relay, with no failure point, as a stack begins."""
        usual = {"live": WORKER, "archive": ARCHIVE, "relay": RELAY}
        self.end(*self._altered, *(name for name in self.stack.processes if name not in {"web", *usual}))
        self._altered.clear()
        for name, command in usual.items():
            if name not in self.stack.processes or not self.stack.alive(name):
                self.stack.add(name, *command).start()

    def died(self, process: Process, deadline_s: float = 60) -> float:
        """Waits for a process to end by SIGKILL; returns when that was seen (monotonic seconds)."""
        until(f"{process.name} reaches its failure point", lambda: not process.alive, deadline_s, 0.02)
        if process.exit_code != -signal.SIGKILL:
            raise Failed(f"{process.name} ended with {process.exit_code}: {process.last_words()}")
        return time.monotonic()

    def paused(self, process: Process, deadline_s: float = 60) -> None:
        """Waits until a process was stopped by its failure point."""
        until(f"{process.name} reaches its failure point", lambda: state_of(process.pid) == "T", deadline_s, 0.02)

    @staticmethod
    def _continue(process: Process) -> None:
        if process.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)

    def said(self, name: str, words: str) -> int:
        """How many lines of a process's output hold these words."""
        return sum(words in line for line in self.stack.output(name).splitlines())

    def in_hand(self, name: str) -> int:
        """The records that the last process of this name had in hand at its failure point."""
        lines = [line for line in self.stack.output(name).splitlines() if line.startswith("FAIL_POINT ")]
        return int(lines[-1].split(":")[1].split()[0]) if lines else 0

    # --- how far things are -------------------------------------------------------------------------------------------

    def applied(self) -> dict[tuple[str, int], int]:
        """By partition: the offset after the applied one, in Redis; nothing while Redis is away."""
        try:
            held = self.redis.hgetall("stream:applied")
        except (redis.RedisError, OSError):
            return {}
        return offsets({at.decode(): mark.decode() for at, mark in held.items()})

    def archived(self) -> dict[tuple[str, int], int]:
        """The same of the database."""
        rows = self.sql("SELECT topic, partition, mark FROM realtime_appliedoffset")
        return offsets({f"{topic}:{partition}": mark for topic, partition, mark in rows})

    def reached(self, where: dict[tuple[str, int], int], ends: dict[tuple[str, int], int]) -> bool:
        return all(where.get(at, 0) >= end for at, end in ends.items())

    def sql(self, query: str) -> list[Any]:
        """Reads the stack's database without Django."""
        url = self.stack.database_url
        if url.startswith("sqlite:///"):
            import sqlite3

            with contextlib.closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as db:
                return db.execute(query).fetchall()
        import psycopg

        with psycopg.connect(url) as db:
            return db.execute(query).fetchall()

    def ask(self, code: str) -> Any:
        """Runs lines of Django against the stack that print one JSON value."""
        return json.loads(self.stack.python(code))

    def lives(self) -> dict[str, str]:
        """By partition: the life of its topic that was applied last."""
        held = self.redis.hgetall("stream:applied")
        return {at.decode(): mark.decode().rpartition(":")[0] for at, mark in held.items()}

    def archived_lives(self) -> dict[str, str]:
        """The same of the database."""
        rows = self.sql("SELECT topic, partition, mark FROM realtime_appliedoffset")
        return {f"{topic}:{partition}": mark.rpartition(":")[0] for topic, partition, mark in rows}

    # --- Kafka --------------------------------------------------------------------------------------------------------

    @property
    def partitions(self) -> int:
        return 4 * len(TOPICS)

    def ends(self, topics: Sequence[str] = TOPICS) -> dict[tuple[str, int], int]:
        """The offset after the last record, by partition, as the broker tells it."""
        consumer = KafkaConsumer(bootstrap_servers=self.stack.kafka.bootstrap)
        try:
            at = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic) or ()]
            return {(place.topic, place.partition): end for place, end in consumer.end_offsets(at).items()}
        finally:
            consumer.close()

    def records(self, topic: str, starts: dict[tuple[str, int], int]) -> Iterator[Any]:
        """What a topic holds from these offsets to its ends as they are now."""
        ends = {TopicPartition(*at): end for at, end in self.ends((topic,)).items()}
        consumer = KafkaConsumer(bootstrap_servers=self.stack.kafka.bootstrap, enable_auto_commit=False)
        try:
            consumer.assign(list(ends))
            for at in ends:
                consumer.seek(at, starts.get((at.topic, at.partition), 0))
            while any(consumer.position(at) < end for at, end in ends.items()):
                for records in consumer.poll(500).values():
                    yield from records
        finally:
            consumer.close()

    def shares(self, group: str) -> list[int]:
        """How many partitions each member of a consumer group holds."""
        with self.stack.kafka.admin() as admin:
            found = admin.describe_groups([group])[group]
        if found["group_state"] != "Stable":
            return []
        held = [member["member_assignment"]["assigned_partitions"] for member in found["members"]]
        return [sum(len(topic["partitions"]) for topic in topics) for topics in held]


def offsets(marks: dict[str, str]) -> dict[tuple[str, int], int]:
    found = {}
    for at, mark in marks.items():
        topic, _, partition = at.rpartition(":")
        found[topic, int(partition)] = int(mark.rpartition(":")[2]) + 1
    return found


def state_of(pid: int) -> str:
    """The kernel's letter for a process: T is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@contextlib.contextmanager
def running(ground: Ground) -> Iterator[Ground]:
    try:
        ground.start()
        yield ground
    finally:
        ground.stop()
