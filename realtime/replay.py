"""What staff do with dead letters: publish them again as they were, or put them aside."""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils import timezone

from realtime.deadletters import unpack_headers
from realtime.kafka_settings import KafkaAway
from realtime.models import DeadLetter
from realtime.producer import Producer, acknowledged
from realtime.streams import by_topic

DEADLINE_S = 2.0
"""How long somebody at a page waits for Kafka."""
MARK = "dlq_replay"
"""The header of a record that was replayed: where it came from, as `topic-life-partition-offset`."""


class Replayed(NamedTuple):
    """How many letters Kafka has acknowledged, how many it has not, and why."""

    sent: int
    left: int
    problem: str


def replay(letters: Iterable[DeadLetter], by: str) -> Replayed:
    """Publishes the original bytes under the original key and headers to the original topic, in the original order.

    Only what Kafka acknowledges in time counts as replayed; the rest stays as it is. A letter may thus be published
    twice, but is never lost; its `ce_id`, the original record's id where it had none, makes that harmless. A record
    that is malformed again becomes a new dead letter with an origin of its own.
    """
    ordered = sorted(letters, key=lambda letter: (letter.topic, letter.life, letter.partition, letter.offset))
    known = by_topic()
    ours = [letter for letter in ordered if letter.topic in known]  # anybody may write names into a header
    done, problem = publish(ours, time.monotonic() + DEADLINE_S) if ours else ([], "")
    if len(ours) < len(ordered):
        strange = next(letter.topic for letter in ordered if letter.topic not in known)
        problem = f"{problem} No stream reads {strange}.".strip()
    settle(done, DeadLetter.State.REPLAYED, by)
    return Replayed(len(done), len(ordered) - len(done), problem)


def publish(letters: Sequence[DeadLetter], end: float) -> tuple[list[int], str]:
    """Sends letters and waits until `end`, a monotonic time: the ids that Kafka acknowledged, and why not all."""
    done, problem, sent = [], "", []
    try:
        producer = Producer("sightline-replay", wait_s=DEADLINE_S / 2)
    except KafkaAway as error:
        return [], str(error)
    try:
        for letter in letters:
            key, value = as_bytes(letter.key), as_bytes(letter.value)
            sent.append((letter.pk, producer.send_bytes(letter.topic, key, value, marked(letter))))
    except KafkaAway as error:
        problem = str(error)
    for pk, future in sent:
        try:
            acknowledged(future, max(0.0, end - time.monotonic()))
            done.append(pk)
        except KafkaAway as error:
            problem = str(error)
    producer.close(timeout_s=0)
    return done, problem


def marked(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers that the record had, and the mark of a replay."""
    origin = f"{letter.topic}-{letter.life}-{letter.partition}-{letter.offset}".encode()
    own = [(name, value) for name, value in unpack_headers(bytes(letter.headers)) if name != MARK]
    if not any(name == "ce_id" for name, _ in own):
        own.append(("ce_id", origin))
    return [*own, (MARK, origin)]


def discard(letters: Iterable[DeadLetter], by: str) -> int:
    """Puts letters aside: they are kept, and may be replayed all the same. Returns how many."""
    return settle([letter.pk for letter in letters], DeadLetter.State.DISCARDED, by)


def settle(ids: Sequence[int], state: DeadLetter.State, by: str) -> int:
    rows = DeadLetter.objects.filter(pk__in=ids)
    return rows.update(state=state, settled_by=by, settled_at=timezone.now()) if ids else 0


def as_bytes(held: bytes | memoryview | None) -> bytes | None:
    """What a BinaryField gives, which differs by database."""
    return None if held is None else bytes(held)
