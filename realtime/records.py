"""Records as Kafka holds them, the stamps that order events, and what cannot be an event (pure)."""

from typing import NamedTuple

MAX_VALUE_BYTES = 1024 * 1024


class Stamp(NamedTuple):
    """When a field was set: effective time in Unix ms, then partition and offset to break ties.

    The larger stamp wins. A save of ours carries partition and offset -1 until its record comes back from Kafka.
    """

    time: int
    partition: int = -1
    offset: int = -1


class Record(NamedTuple):
    """One Kafka message. `timestamp` is the broker's append time in Unix ms; `life` tells topics of one name apart."""

    topic: str
    life: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def id(self) -> str:
        """The event's id: CloudEvents' `ce_id` header, else `topic-life-partition-offset`."""
        for name, value in self.headers:
            if name == "ce_id" and value:
                return value.decode("utf-8", "replace")
        return f"{self.topic}-{self.life}-{self.partition}-{self.offset}"


class Malformed(NamedTuple):
    """What decode returns for a record that cannot be an event. `reason` is a code, `detail` names value and rule."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def oversized(record: Record) -> Malformed | None:
    """The rule that holds on every topic of ours: a value is at most 1 MiB."""
    if record.value is not None and len(record.value) > MAX_VALUE_BYTES:
        return Malformed("too_large", f"the value has {len(record.value)} bytes; at most {MAX_VALUE_BYTES} are taken")
    return None
