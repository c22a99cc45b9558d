"""Publishing: an outbox row inside the caller's transaction, sent to Kafka by the relay."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from realtime.models import Outbox
from realtime.records import MAX_VALUE_BYTES
from realtime.state import nudge_relay

TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes as a topic's name."""


class Depth(NamedTuple):
    """How many rows wait for Kafka, for how long the oldest of them has, and how many are parked."""

    rows: int
    oldest_s: float
    parked: int


def depth() -> Depth:
    unsent = Outbox.objects.filter(sent_at=None)
    found = unsent.filter(parked_at=None).aggregate(rows=Count("id"), oldest=Min("created_at"))
    oldest = found["oldest"]
    age_s = 0.0 if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())
    return Depth(found["rows"], age_s, unsent.exclude(parked_at=None).count())


def publish(topic: str, key: str, value: Mapping[str, Any]) -> str:
    """Queues a record for `topic` in the caller's transaction and returns its event id (the `ce_id` header).

    The record is sent once that transaction has committed, in the order of the calls; a repeat carries the same id.
    Raises ValueError for a name that no topic can have, and for a value that no topic of ours takes: the relay would
    send nothing after it. Rows for a topic that does not exist are parked, and shown in the admin.
    """
    if not TOPIC.fullmatch(topic):
        raise ValueError(f"the topic is {topic!r}; it takes 1 to 249 letters, digits and any of . _ -")
    event_id = str(uuid.uuid4())
    encoded = msgspec.json.encode(value)
    if len(encoded) > MAX_VALUE_BYTES:
        raise ValueError(f"the value for {topic} has {len(encoded)} bytes; at most {MAX_VALUE_BYTES} are taken")
    Outbox.objects.create(topic=topic, key=key, value=encoded, event_id=event_id)
    transaction.on_commit(nudge_relay)
    return event_id
