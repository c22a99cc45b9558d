"""The relay: publishes outbox rows in the order of their ids, one relay at a time.

A row whose topic does not exist is parked, with every other row for that topic: what comes after it must not wait for
somebody to make the topic. Staff send it again from the admin, or `release` does.
"""

import logging
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from realtime import metrics
from realtime.failpoints import reach
from realtime.kafka_settings import KafkaAway
from realtime.models import Lease, Outbox
from realtime.producer import Producer, acknowledged
from realtime.state import nudge_relay
from realtime.topics import Topics

logger = logging.getLogger("realtime.relay")

LEASE = "relay"
LEASE_S, RENEW_S = 3.0, 1.0
"""Who waits for a lease looks every second, so that another takes over within 5 s."""
BATCH = 500
ACK_S = 10.0
LIST_S = 5.0
KEEP = timedelta(hours=1)


class Relay:
    """Publishes while it holds the lease. A repeat carries the same event id, so it is harmless."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.holder = uuid.uuid4().hex
        self.holds = False
        self._absent: set[str] = set()

    def turn(self) -> int:
        """Publishes the next rows, if the lease is ours; returns how many it was done with.

        Raises KafkaAway; rows then stay unsent.
        """
        self.holds = self.lease()
        if not self.holds:
            return 0
        rows = list(Outbox.objects.filter(sent_at__isnull=True, parked_at__isnull=True).order_by("id")[:BATCH])
        return self._publish(rows) if rows else 0

    def _publish(self, rows: list[Outbox]) -> int:
        """Sends rows up to the first whose topic is missing; the rows for that one are parked."""
        futures: list[Any] = []
        missing = None
        for row in rows:
            future = self._send(row)
            if future is None:
                missing = row.topic
                break
            futures.append(future)
        end = time.monotonic() + ACK_S
        for future in futures:
            self._wait(future, end)
        sent = rows[: len(futures)]
        if sent:
            reach("relay-after-send", len(sent))
            Outbox.objects.filter(id__in=[row.id for row in sent]).update(sent_at=timezone.now())
            metrics.PUBLISHED.inc(len(sent))  # not those that are parked: they count once they are sent
        return len(sent) + (park(missing) if missing is not None else 0)

    def _send(self, row: Outbox) -> Any | None:
        """The row's future, or None where Kafka answers and has no such topic."""
        if row.topic in self._absent and self._is_absent(row.topic):
            return None
        try:
            return self.producer.send(row.topic, row.key, bytes(row.value), [("ce_id", row.event_id.encode())])
        except KafkaAway:
            # The client waits for a topic as it waits for a broker: only the list of topics tells them apart. It is not
            # asked first, since a broker may make topics at their first record.
            if not self._is_absent(row.topic):
                raise
            return None

    def _is_absent(self, topic: str) -> bool:
        topics = Topics(LIST_S)
        try:
            absent = topic not in topics.names()
        finally:
            topics.close()
        (self._absent.add if absent else self._absent.discard)(topic)
        return absent

    def _wait(self, future: Any, end: float) -> None:
        """Waits for one acknowledgement, and keeps the lease meanwhile."""
        while True:
            try:
                return acknowledged(future, RENEW_S)
            except KafkaAway:
                if future.is_done or time.monotonic() > end or not self.lease():
                    raise

    def lease(self) -> bool:
        """Takes or renews the lease; another relay takes it over once it has run out, by the database's clock."""
        until = Now() + timedelta(seconds=LEASE_S)
        mine = Lease.objects.filter(name=LEASE, holder=self.holder).update(until=until)
        if mine or Lease.objects.filter(name=LEASE, until__lt=Now()).update(holder=self.holder, until=until):
            return True
        try:
            with transaction.atomic():
                _, created = Lease.objects.get_or_create(name=LEASE, defaults={"holder": self.holder, "until": until})
        except IntegrityError:
            return False
        return created

    def release(self) -> None:
        Lease.objects.filter(name=LEASE, holder=self.holder).delete()

    def prune(self) -> None:
        """Forgets rows that were sent an hour ago."""
        Outbox.objects.filter(sent_at__lt=timezone.now() - KEEP).delete()


def park(topic: str) -> int:
    """Puts the unsent rows for a topic that does not exist aside; returns how many."""
    problem = f"Kafka has no topic {topic!r}. Make it (manage.py kafka_topics makes ours), then send this row again."
    rows = Outbox.objects.filter(topic=topic, sent_at__isnull=True, parked_at__isnull=True)
    parked = rows.update(parked_at=timezone.now(), problem=problem)
    logger.error("%s Rows of the outbox that were parked: %d.", problem, parked)
    return parked


def release(rows: QuerySet[Outbox]) -> int:
    """Lets parked rows be sent, in the order of their ids among those that wait; returns how many."""
    released = rows.filter(parked_at__isnull=False, sent_at__isnull=True).update(parked_at=None, problem="")
    transaction.on_commit(nudge_relay)
    return released


def reconnect() -> None:
    """Lets the next query make a new database connection."""
    connection.close()
