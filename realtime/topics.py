"""Creates and describes our topics, and reads pieces of them for who looks something up."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from realtime.kafka_settings import KafkaAway, connection, dead_letter_topic
from realtime.records import Record

MiB = 1024 * 1024
PARTITIONS = 4
LATEST = -1
"""Instead of a time: the offset that the next record will have."""
NEWEST = -3
"""Instead of a time: the record with the newest one."""


class TopicFacts(NamedTuple):
    """How a topic stands at the broker; `config` holds every value, also those that nobody set."""

    partitions: int
    config: dict[str, str]


def config_of(topic: str, replication: int = -1) -> dict[str, str]:
    """Append time orders what foreign clocks say; dead letters carry a record and its headers.

    With three copies or more a record is acknowledged once two have it, so that no broker's end takes it along. With
    the broker's own number of copies (-1) its own rule holds.
    """
    size = 5 * MiB if topic.endswith(".dlq") else 4 * MiB
    config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(size)}
    return config | {"min.insync.replicas": "2"} if replication >= 3 else config


class Topics:
    """An admin connection. Every method raises KafkaAway where no broker answers; the first after `wait_s`."""

    def __init__(self, wait_s: float = 10) -> None:
        try:
            self._admin = KafkaAdminClient(
                client_id="sightline-topics",
                bootstrap_timeout_ms=int(wait_s * 1000),
                request_timeout_ms=15_000,
                **connection(),
            )
        except KafkaError as error:
            raise KafkaAway("connecting") from error

    def create(self, topics: list[str], partitions: int = PARTITIONS, replication: int = -1) -> list[str]:
        """Creates these topics and their dead-letter topics where they are missing; returns what it created."""
        wanted = [name for topic in topics for name in (topic, dead_letter_topic(topic))]
        missing = [name for name in wanted if name not in self.names()]
        if missing:
            self._create(missing, partitions, replication)
        return missing

    def _create(self, names: list[str], partitions: int, replication: int) -> None:
        plan = {
            name: {
                "num_partitions": partitions,
                "replication_factor": replication,
                "configs": config_of(name, replication),
            }
            for name in names
        }
        try:
            self._admin.create_topics(plan, timeout_ms=15_000, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # another process was faster, with the same plan
        except KafkaError as error:
            raise KafkaAway(f"creating topics: {error}") from error

    def alter(self, topics: Sequence[str], partitions: int) -> dict[str, dict[str, str]]:
        """Gives topics and their dead-letter topics our configuration, and at least so many partitions.

        Returns what was changed, by topic. Partitions are never taken away: Kafka cannot.
        """
        wanted = [name for topic in topics for name in (topic, dead_letter_topic(topic))]
        changes: dict[str, dict[str, str]] = {}
        for name, found in self.facts(wanted).items():
            ours = {key: value for key, value in config_of(name).items() if not suffices(key, found.config, value)}
            try:
                if ours:
                    self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=ours)])
                if found.partitions < partitions:
                    self._admin.create_partitions({name: partitions}, timeout_ms=15_000)
            except KafkaError as error:
                raise KafkaAway(f"altering {name}: {error}") from error
            more = {"partitions": str(partitions)} if found.partitions < partitions else {}
            if ours or more:
                changes[name] = {**ours, **more}
        return changes

    def names(self) -> set[str]:
        try:
            return set(self._admin.list_topics())
        except KafkaError as error:
            raise KafkaAway("listing topics") from error

    def describe(self, topics: list[str]) -> list[dict[str, Any]]:
        """Name, life and partitions of each topic that exists."""
        try:
            found = self._admin.describe_topics(topics)
        except KafkaError as error:
            raise KafkaAway("describing topics") from error
        return [
            {"name": topic["name"], "life": life_of(topic.get("topic_id")), "partitions": len(topic["partitions"])}
            for topic in found
            if not topic.get("error_code")
        ]

    def facts(self, topics: Sequence[str]) -> dict[str, TopicFacts]:
        """Of those that exist."""
        counts = {topic["name"]: topic["partitions"] for topic in self.describe(list(topics))}
        if not counts:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in counts]
        try:
            found = self._admin.describe_configs(asked, config_filter="all")
        except KafkaError as error:
            raise KafkaAway("describing topics") from error
        configs: Mapping[str, Any] = next(iter(found.values()), {})
        return {name: TopicFacts(count, values_of(configs.get(name, {}))) for name, count in counts.items()}

    def newest_ms(self, topics: Sequence[str]) -> int | None:
        """The newest time of any record of these topics; None where there is none."""
        partitions = [(topic["name"], n) for topic in self.describe(list(topics)) for n in range(topic["partitions"])]
        try:
            found = self._admin.list_partition_offsets({TopicPartition(*at): NEWEST for at in partitions})
        except KafkaError as error:
            raise KafkaAway("asking for offsets") from error
        return max((held.timestamp for held in found.values() if held.timestamp and held.timestamp > 0), default=None)

    def offsets(self, partitions: Sequence[tuple[str, int]], time_ms: int) -> dict[tuple[str, int], int]:
        """The offset of each partition's first record at or after a time (-1: there is none), or its end (LATEST)."""
        try:
            specs = {TopicPartition(*at): time_ms for at in partitions}
            found = self._admin.list_partition_offsets(specs, timeout_ms=10_000)
        except KafkaError as error:
            raise KafkaAway("asking for offsets") from error
        return {(at.topic, at.partition): held.offset for at, held in found.items()}

    def close(self) -> None:
        self._admin.close()


def suffices(key: str, config: Mapping[str, str], wanted: str) -> bool:
    """Whether a topic's configuration is ours, or takes even larger messages."""
    held = config.get(key, "")
    return held == wanted or (key == "max.message.bytes" and held.isdecimal() and int(held) > int(wanted))


def values_of(config: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {name: str(held.get("value") or "") for name, held in config.items()}


def life_of(topic_id: Any) -> str:
    """Which creation of a topic this is: the broker's topic id, shortened ("0" from brokers that have no ids)."""
    id = str(topic_id or "").replace("-", "")
    return id[:8] if id.strip("0") else "0"


EXCERPT_BYTES, FETCH_BYTES = 16 * MiB, MiB
AT_ONCE = threading.BoundedSemaphore(4)
"""So many excerpts are read at once by a process: each has a connection of its own."""


class Excerpt:
    """Reads pieces of one partition, outside of every group: `with Excerpt(topic, 2, wait_s=3) as excerpt`. It blocks.

    `life` is the topic's now ("" where there is no such partition), `first` the oldest offset that Kafka still has,
    `end` the one that the next record will have. All of it together takes at most `wait_s` and EXCERPT_BYTES; past the
    time KafkaAway is raised, past the bytes it is `spent`.
    """

    def __init__(self, topic: str, partition: int, wait_s: float) -> None:
        self._at = TopicPartition(topic, partition)
        self._wait_s = wait_s
        self._bytes = 0
        self.life, self.first, self.end = "", 0, 0

    def __enter__(self) -> "Excerpt":
        self._until = time.monotonic() + self._wait_s
        if not AT_ONCE.acquire(timeout=self._wait_s):
            raise KafkaAway("too many read excerpts")
        try:
            self._consumer = self._connect()
            try:
                self._find()
            except BaseException:
                self._consumer.close(autocommit=False, timeout_ms=0)
                raise
        except KafkaError as error:
            AT_ONCE.release()
            raise KafkaAway("reading an excerpt") from error
        except BaseException:
            AT_ONCE.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close(autocommit=False, timeout_ms=0)
        AT_ONCE.release()

    def _connect(self) -> KafkaConsumer:
        left_ms = self._left_ms()
        return KafkaConsumer(
            client_id="sightline-excerpt",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=left_ms,
            request_timeout_ms=left_ms,
            fetch_max_wait_ms=100,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=FETCH_BYTES,
            **connection(),
        )

    def _find(self) -> None:
        if self._at.partition not in self._consumer.partitions_for_topic(self._at.topic):
            return
        self.life = life_of(self._consumer._cluster.topic_id(self._at.topic))
        self._consumer.assign([self._at])
        self.first = self._consumer.beginning_offsets([self._at], timeout_ms=self._left_ms())[self._at]
        self.end = self._consumer.end_offsets([self._at], timeout_ms=self._left_ms())[self._at]

    @property
    def spent(self) -> bool:
        return self._bytes >= EXCERPT_BYTES

    def read(self, start: int, stop: int) -> list[Record]:
        """The records from one offset to before another, as far as Kafka has them; fewer where it is spent."""
        start, stop = max(start, self.first), min(stop, self.end)
        records: list[Record] = []
        try:
            if start < stop and self._consumer.position(self._at) != start:
                self._consumer.seek(self._at, start)
            while start < stop and not self.spent:
                polled = self._consumer.poll(timeout_ms=self._left_ms(), max_records=stop - start)
                records += [self._record(one) for got in polled.values() for one in got if one.offset < stop]
                start = self._consumer.position(self._at)  # what a transaction leaves behind is no record
        except KafkaError as error:
            raise KafkaAway("reading an excerpt") from error
        return records

    def _record(self, r: Any) -> Record:
        self._bytes += len(r.value or b"")
        return Record(
            self._at.topic, self.life, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers or ())
        )

    def _left_ms(self) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise KafkaAway("reading an excerpt")
        return max(1, int(left * 1000))
