"""Real workers on servers of their own: Kafka, Redis and a database without the rest of the system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import redis
from kafka.errors import RetriableError, UnknownTopicOrPartitionError

from compose.local.process import Process, stop_all
from tests.servers import ROOT, Stack, wait_until

TOPICS = [name for topic in ("order-updates", "location-updates", "service-logs") for name in (topic, f"{topic}.dlq")]


class Servers(Stack):
    """Kafka, Redis and a database; what runs on them the test starts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.workers: list[Process] = []
        self.tests = 0

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis.start()
        self.kafka.start(wait=False)
        self.manage("migrate", "--verbosity", "0")
        self.kafka.wait_until_ready()
        self.manage("kafka_topics")

    def stop(self) -> None:
        stop_all(self.workers)
        super().stop()

    def worker(self, *arguments: str, group: str = "live", **env: str) -> Process:
        """Starts a worker; the test has it stopped at the latest by `fresh` or the end of the module."""
        name = f"{self.tests}-{group}-{len(self.workers)}"
        command = [sys.executable, "manage.py", "consume_kafka", "--group", group, *arguments]
        log = self.folder / "logs" / f"{name}.log"
        process = Process(name, command, log=log, env={**self.env, **env}, cwd=ROOT)
        process.start()
        self.workers.append(process)
        return process

    def fresh(self) -> None:
        """As new: no worker, empty topics, an empty Redis and an empty database."""
        stop_all(self.workers)
        self.workers.clear()
        self.tests += 1
        self.env["KAFKA_GROUP_PREFIX"] = f"test-{self.tests}-"
        with self.client() as client:
            client.flushdb()
        self.manage("flush", "--no-input")
        self.make_topics_again()

    def make_topics_again(self) -> None:
        """Deletes the topics and makes them anew."""
        with self.kafka.admin() as admin:
            there = sorted(set(TOPICS) & set(admin.list_topics()))
            if there:
                admin.delete_topics(there)
                wait_until(lambda: not set(TOPICS) & set(admin.list_topics()))
        wait_until(self._topics_made)

    def _topics_made(self) -> bool:
        self.manage("kafka_topics")
        try:
            return all(self.kafka.end_offset(topic) == 0 for topic in TOPICS)
        except UnknownTopicOrPartitionError:
            return False

    def environment(self) -> dict[str, str]:
        """For a command of the test's own."""
        return {**os.environ, **self.env}

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis.url)

    def applied(self) -> dict[str, int]:
        """How many records are applied, by `topic:partition`."""
        with self.client() as client:
            held = client.hgetall("stream:applied")
        return {at.decode(): int(mark.rpartition(b":")[2]) + 1 for at, mark in held.items()}

    def group(self, name: str) -> str:
        """A group's name as the broker knows it."""
        return self.env.get("KAFKA_GROUP_PREFIX", "") + name

    def committed(self, name: str = "live") -> dict[str, int]:
        """The broker's word on how far a group is, by `topic:partition`."""
        with self.kafka.admin() as admin:
            offsets = admin.list_group_offsets(self.group(name))[self.group(name)]
        return {f"{at.topic}:{at.partition}": held.offset for at, held in offsets.items()}

    def members(self, name: str = "live", topic: str = "order-updates") -> dict[str, set[int]]:
        """The broker's word on who is in a group and which partitions of a topic each holds; {} while they change."""
        try:
            with self.kafka.admin() as admin:
                found = admin.describe_groups([self.group(name)])[self.group(name)]
        except RetriableError:  # a broker that starts has no coordinators yet
            return {}
        if found["group_state"] != "Stable":
            return {}
        return {member["member_id"]: held(member, topic) for member in found["members"]}


def held(member: dict, topic: str) -> set[int]:
    assigned = member["member_assignment"]["assigned_partitions"]
    return {number for part in assigned if part["topic"] == topic for number in part["partitions"]}
