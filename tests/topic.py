"""Reads a topic of the real broker from its beginning to its end, as any other program would."""

from kafka import KafkaConsumer, TopicPartition

from realtime.api import Record


class Reader:
    """What a topic of four partitions holds. `close` it in the end."""

    def __init__(self, bootstrap: str, topic: str = "service-logs") -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._partitions = [TopicPartition(topic, number) for number in range(4)]
        self._consumer.assign(self._partitions)

    def all(self) -> list[Record]:
        ends = self._consumer.end_offsets(self._partitions)
        self._consumer.seek_to_beginning(*self._partitions)
        found = []
        while any(self._consumer.position(at) < end for at, end in ends.items()):
            for batch in self._consumer.poll(timeout_ms=500).values():
                found += [
                    Record(r.topic, "life", r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
                    for r in batch
                ]
        return found

    def close(self) -> None:
        self._consumer.close()
