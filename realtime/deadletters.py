"""Dead letters: sends a record that cannot be an event to `<topic>.dlq`, and reads it back into the database."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from realtime.api import Stream
from realtime.kafka_settings import dead_letter_topic
from realtime.models import DeadLetter
from realtime.producer import Producer, acknowledged
from realtime.records import Malformed, Record
from realtime.shapes import Change, Old

ACK_S = 10.0


class Letter(NamedTuple):
    """A dead letter as its topic holds it: where the record came from, and why it is here."""

    topic: str
    life: str
    partition: int
    offset: int
    timestamp: int
    reason: str
    key: bytes | None
    value: bytes | None
    headers: bytes


ORIGIN = ("dlq_reason", "dlq_topic", "dlq_life", "dlq_partition", "dlq_offset", "dlq_timestamp")


def headers(record: Record, why: Malformed) -> list[tuple[str, bytes]]:
    """The record's own headers, and its reason and origin."""
    origin = {
        "dlq_reason": str(why),
        "dlq_topic": record.topic,
        "dlq_life": record.life,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_timestamp": str(record.timestamp),
    }
    own = [(name, value or b"") for name, value in record.headers if name not in origin]
    return own + [(name, text.encode("utf-8", "replace")) for name, text in origin.items()]


class Diverter:
    """Sends dead letters; returns once all are acknowledged, so that the applied offset may move past them."""

    def __init__(self) -> None:
        self._producer: Producer | None = None

    def __call__(self, malformed: Sequence[tuple[Record, Malformed]]) -> None:
        """Raises KafkaAway where an acknowledgement does not come; the records are then diverted again."""
        if self._producer is None:
            self._producer = Producer("sightline-dead-letters")
        sent = [
            self._producer.send_bytes(dead_letter_topic(record.topic), record.key, record.value, headers(record, why))
            for record, why in malformed
        ]
        for future in sent:
            acknowledged(future, ACK_S)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()


def decode(record: Record) -> Sequence[Letter]:
    """A letter from a record of a dead-letter topic; one that somebody else put there counts as its own origin."""
    found = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    own = [(name, value or b"") for name, value in record.headers if name not in ORIGIN]
    return [
        Letter(
            plain(found.get("dlq_topic", record.topic))[:249],
            plain(found.get("dlq_life", record.life))[:32],
            _number(found.get("dlq_partition"), record.partition),
            _number(found.get("dlq_offset"), record.offset),
            _number(found.get("dlq_timestamp"), record.timestamp),
            plain(found.get("dlq_reason", "unknown"))[:500],
            record.key,
            record.value,
            pack_headers(own),
        )
    ]


def plain(text: str) -> str:
    """Text that every database takes: PostgreSQL has no place for NUL."""
    return text.replace("\0", "\ufffd")


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as a dead letter's row keeps them; none are empty bytes."""
    return msgspec.msgpack.encode(headers) if headers else b""


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    return msgspec.msgpack.decode(packed, type=list[tuple[str, bytes]]) if packed else []


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else otherwise


def archive(letters: Sequence[Letter]) -> None:
    DeadLetter.objects.bulk_create([DeadLetter(**letter._asdict()) for letter in letters], ignore_conflicts=True)


def unchanged(events: Sequence[Letter], old: Old, now: int) -> Change:
    """Dead letters are no part of what is true now."""
    return Change()


def stream(topic: str) -> Stream:
    """The archive's stream of a topic's dead letters."""
    return Stream(topic=dead_letter_topic(topic), decode=decode, reduce=unchanged, archive=archive)
