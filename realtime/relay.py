"""The relay: publishes outbox rows in the order of their ids, one relay at a time."""

import logging
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from realtime.failpoints import reach
from realtime.kafka_settings import KafkaAway
from realtime.models import Lease, Outbox
from realtime.producer import Producer, acknowledged

logger = logging.getLogger("realtime.relay")

LEASE = "relay"
LEASE_S, RENEW_S = 3.0, 1.0
"""Who waits for a lease looks every second, so that another takes over within 5 s."""
BATCH = 500
ACK_S = 10.0
KEEP = timedelta(hours=1)


class Relay:
    """Publishes while it holds the lease. A repeat carries the same event id, so it is harmless."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.holder = uuid.uuid4().hex
        self.holds = False

    def turn(self) -> int:
        """Publishes the next rows, if the lease is ours; returns how many. Raises KafkaAway; rows then stay unsent."""
        self.holds = self.lease()
        if not self.holds:
            return 0
        rows = list(Outbox.objects.filter(sent_at__isnull=True).order_by("id")[:BATCH])
        if rows:
            self._publish(rows)
        return len(rows)

    def _publish(self, rows: list[Outbox]) -> None:
        futures = [
            self.producer.send(row.topic, row.key, bytes(row.value), [("ce_id", row.event_id.encode())]) for row in rows
        ]
        end = time.monotonic() + ACK_S
        for future in futures:
            self._wait(future, end)
        reach("relay-after-send", len(rows))
        Outbox.objects.filter(id__in=[row.id for row in rows]).update(sent_at=timezone.now())

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


def reconnect() -> None:
    """Lets the next query make a new database connection."""
    connection.close()
