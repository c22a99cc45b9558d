"""The source: reads Kafka for one worker. With producer.py and topics.py the only module that imports kafka."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    RebalanceInProgressError,
    RetriableError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from realtime.batches import Mark
from realtime.kafka_settings import KafkaAway, connection
from realtime.pipeline import Away
from realtime.records import Record
from realtime.topics import LATEST, Topics, life_of

logger = logging.getLogger(__name__)

Partition = tuple[str, int]
MiB = 1024 * 1024
FETCH_BYTES, PARTITION_BYTES = 16 * MiB, 4 * MiB
"""At most so much is fetched at once, in all and per partition: the worker's memory is a small multiple of it."""
GO_ON = (
    RetriableError,
    RebalanceInProgressError,
    CommitFailedError,
    IllegalGenerationError,
    UnknownMemberIdError,
    OffsetOutOfRangeError,
    LogTruncationError,
)
"""What a membership outlives: forget what is held, read on from the applied offset. Anything else ends the worker."""


class Notes(ConsumerRebalanceListener):  # type: ignore[misc]
    """Takes note that the assignment changed. Runs on kafka-python's I/O thread, where any further call would raise."""

    def __init__(self) -> None:
        self.changed = False

    def on_partitions_revoked(self, revoked: object) -> None:
        self.changed = True

    def on_partitions_assigned(self, assigned: object) -> None:
        self.changed = True

    def on_partitions_lost(self, lost: object) -> None:
        self.changed = True


def keep_joins(consumer: KafkaConsumer) -> None:
    """Works round kafka-python 3.0.12, which can forget a join that is answered between two polls.

    A leader that joins again because the topics' metadata changed compares snapshots that are equal by then, sees no
    need to join, and never takes its assignment: a member that reads nothing, for ever. While a join is under way or
    unanswered there is a need.
    """
    coordinator = consumer._coordinator
    needed = coordinator.need_rejoin
    coordinator.need_rejoin = lambda: coordinator._join_task is not None or needed()


class KafkaSource:
    """A member of a consumer group over some topics. Nothing is committed unless `commit` is called.

    `known` are all topics of the group: a worker that reads only some of them can still be the one that rebuilds.
    """

    def __init__(
        self, topics: Sequence[str], group: str, instance_id: str | None = None, known: Sequence[str] = ()
    ) -> None:
        self.topics = list(topics)
        self.known = list(dict.fromkeys([*topics, *known]))
        self._notes = Notes()
        self._lives: dict[str, str] = {}
        self.group = group
        self._consumer = self._join(instance_id)

    def _join(self, instance_id: str | None) -> KafkaConsumer:
        """A consumer that is about to become a member of the group."""
        try:
            consumer = KafkaConsumer(
                client_id=f"sightline-{self.group}",
                group_id=self.group,
                group_instance_id=instance_id,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=[RangePartitionAssignor],
                session_timeout_ms=6_000,
                heartbeat_interval_ms=2_000,
                max_poll_records=settings.BATCH_RECORDS,
                fetch_max_bytes=FETCH_BYTES,
                max_partition_fetch_bytes=PARTITION_BYTES,
                metadata_max_age_ms=5_000,  # and so long until a topic is noticed that was made again at once
                reconnect_backoff_max_ms=5_000,
                bootstrap_timeout_ms=10_000,
                **connection(),
            )
        except KafkaError as error:
            raise KafkaAway("connecting") from error
        keep_joins(consumer)
        consumer.subscribe(self.topics, listener=self._notes)
        return consumer

    def poll(self, timeout_s: float) -> dict[Partition, list[Record]]:
        """The next records by partition, each in offset order; waits at most so long for the first.

        Raises Away where the membership, or what was fetched, is in doubt.
        """
        try:
            polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        except FencedInstanceIdError:
            self._join_without_instance_id()
            return {}
        except GO_ON as error:
            time.sleep(timeout_s)  # such an error comes at once, and again until the cause is gone
            raise Away(f"Kafka: {error}.") from error
        if self._made_again():
            self._notes.changed = True
            return {}
        return {(at.topic, at.partition): self._records(at.topic, got) for at, got in polled.items()}

    def _made_again(self) -> bool:
        """Whether a topic is no longer the one whose life is known: it was deleted, and made again."""
        now = {topic: self._consumer._cluster.topic_id(topic) for topic in self.topics}
        return any(id and topic in self._lives and life_of(id) != self._lives[topic] for topic, id in now.items())

    def _join_without_instance_id(self) -> None:
        """Two workers with one instance id would throw each other out for ever: the one that is out needs none."""
        logger.warning("Another worker has this one's instance id, which must be unique; going on without one.")
        fenced, self._consumer = self._consumer, self._join(None)
        fenced.close(autocommit=False, timeout_ms=1_000)
        self._notes.changed = True

    def _records(self, topic: str, polled: Sequence[Any]) -> list[Record]:
        life = self._lives.get(topic, "")
        return [
            Record(
                topic, life, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers) if r.headers else ()
            )
            for r in polled
        ]

    def moved(self) -> bool:
        """Whether the assignment changed, or was in doubt, since the last call."""
        changed, self._notes.changed = self._notes.changed, False
        return changed

    def assigned(self) -> list[Partition]:
        return sorted((at.topic, at.partition) for at in self._consumer.assignment() or ())

    def partitions(self) -> list[Partition]:
        """Every partition of the known topics, whoever reads it."""
        return [(topic["name"], number) for topic in self._describe() for number in range(topic["partitions"])]

    def lives(self) -> dict[str, str]:
        """The life of each topic, read anew from the broker."""
        self._lives = {topic["name"]: topic["life"] for topic in self._describe()}
        return self._lives

    def _describe(self) -> list[dict[str, Any]]:
        topics = Topics(wait_s=3)
        try:
            return sorted(topics.describe(self.known), key=lambda topic: self.known.index(topic["name"]))
        finally:
            topics.close()

    def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset that each partition's next record will have."""
        if any(topic not in self.topics for topic, _ in partitions):
            return self._ask_for_offsets(partitions, LATEST)  # the consumer knows only what it is subscribed to
        try:
            ends = self._consumer.end_offsets([TopicPartition(*at) for at in partitions], timeout_ms=3_000)
        except (KafkaError, KeyError) as error:  # kafka-python's answer for a topic that is being deleted is a KeyError
            raise KafkaAway("asking for the ends of the topics") from error
        return {(at.topic, at.partition): end for at, end in ends.items()}

    def reach(self) -> dict[Partition, int]:
        """The ends of the assigned partitions as the last fetches told them; asks nobody."""
        ends = {at: self._consumer.highwater(TopicPartition(*at)) for at in self.assigned()}
        return {at: end for at, end in ends.items() if end is not None}

    def offsets_at(self, partitions: Sequence[Partition], time_ms: int) -> dict[Partition, int]:
        """The offset of each partition's first record at or after a time; its end where there is none."""
        found = self._ask_for_offsets(partitions, time_ms)
        late = [at for at, offset in found.items() if offset < 0]
        return found | self._ask_for_offsets(late, LATEST) if late else found

    def _ask_for_offsets(self, partitions: Sequence[Partition], time_ms: int) -> dict[Partition, int]:
        topics = Topics(wait_s=3)
        try:
            return topics.offsets(partitions, time_ms)
        finally:
            topics.close()

    def seek(self, starts: Mapping[Partition, int | None]) -> None:
        """Reads on from these offsets; None is the partition's beginning."""
        for at, offset in starts.items():
            try:
                if offset is None:
                    self._consumer.seek_to_beginning(TopicPartition(*at))
                else:
                    self._consumer.seek(TopicPartition(*at), offset)
            except (IllegalStateError, AssertionError):
                self._notes.changed = True  # it was taken away meanwhile

    def pause(self) -> None:
        """Fetches nothing more, while `poll` keeps the membership."""
        self._consumer.pause(*(self._consumer.assignment() or ()))

    def resume(self) -> None:
        self._consumer.resume(*(self._consumer.paused() or ()))

    def commit(self, reached: Mapping[Partition, Mark], wait_s: float = 0) -> None:
        """Tells Kafka how far we are, for lag only; whether it hears us does not matter."""
        offsets = {TopicPartition(*at): OffsetAndMetadata(mark.offset + 1, "", -1) for at, mark in reached.items()}
        try:
            if wait_s:
                self._consumer.commit(offsets, timeout_ms=int(wait_s * 1000))
            else:
                self._consumer.commit_async(offsets)
        except KafkaError as error:
            logger.info("Kafka did not take the commit (%s); lag shows late.", error)

    def close(self) -> None:
        """Leaves the group."""
        self._consumer.close(autocommit=False, timeout_ms=3_000)
