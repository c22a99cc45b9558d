"""The relay: publishes outbox rows in the order of their ids, one relay at a time."""

import logging
import uuid
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from realtime.failpoints import reach
from realtime.models import Lease, Outbox
from realtime.producer import Producer, acknowledged

logger = logging.getLogger("realtime.relay")

LEASE = "relay"
LEASE_S = 4.0
BATCH = 500
ACK_S = 10.0
KEEP = timedelta(hours=1)


class Relay:
    """Publishes while it holds the lease. A repeat carries the same event id, so it is harmless."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.holder = uuid.uuid4().hex

    def turn(self) -> int:
        """Publishes the next rows, if the lease is ours; returns how many. Raises KafkaAway; rows then stay unsent."""
        if not self.lease():
            return 0
        rows = list(Outbox.objects.filter(sent_at__isnull=True).order_by("id")[:BATCH])
        if rows:
            self._publish(rows)
        return len(rows)

    def _publish(self, rows: list[Outbox]) -> None:
        futures = [
            self.producer.send(row.topic, row.key, bytes(row.value), [("ce_id", row.event_id.encode())]) for row in rows
        ]
        for future in futures:
            acknowledged(future, ACK_S)
        reach("relay-after-send", len(rows))
        Outbox.objects.filter(id__in=[row.id for row in rows]).update(sent_at=timezone.now())

    def lease(self) -> bool:
        """Takes or renews the lease; another relay takes it over once it has run out."""
        now = timezone.now()
        until = now + timedelta(seconds=LEASE_S)
        mine = Lease.objects.filter(name=LEASE, holder=self.holder).update(until=until)
        if mine or Lease.objects.filter(name=LEASE, until__lt=now).update(holder=self.holder, until=until):
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
