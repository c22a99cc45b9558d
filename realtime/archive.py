"""The state port of `consume_kafka --group archive`: batches and their offsets in one database transaction."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.utils import IntegrityError

from realtime.batches import Applied, Batch, Mark, Partition, Refused
from realtime.models import AppliedOffset
from realtime.pipeline import Away

logger = logging.getLogger(__name__)


class DatabaseAway(Away):
    """The database does not answer."""


class ArchiveState:
    """What happened, in the database. Methods raise DatabaseAway where it does not answer."""

    def begin(self, now: float) -> None:
        """Lets a connection that died be made anew."""
        connection.close_if_unusable_or_obsolete()

    def turn(self, now: float) -> Sequence[Any]:
        return ()

    def marks(self, partitions: Sequence[Partition]) -> Mapping[Partition, Mark]:
        try:
            return marks(partitions)
        except (OperationalError, InterfaceError) as error:
            raise _away(error) from error

    def recent(self, topic: str) -> str:
        """The archive diverts nothing, so it counts nothing."""
        return ""

    def apply(self, batch: Batch, now: float) -> Applied | Refused:
        """Applies a batch whole, or says why not."""
        try:
            with transaction.atomic():
                return self._apply(batch)
        except IntegrityError as error:
            return Refused("mark", str(error))
        except (OperationalError, InterfaceError) as error:
            raise _away(error) from error

    def _apply(self, batch: Batch) -> Applied | Refused:
        rows = {(row.topic, row.partition): row for row in _rows(list(batch.reach)).select_for_update()}
        for at, (old, _) in batch.reach.items():
            held = rows[at].mark if at in rows else ""
            if held != str(old or ""):
                return Refused("mark", f"{at[0]}:{at[1]} is at {held or 'its beginning'}")
        for stream, events in batch.events.items():
            if events and stream.archive is not None:
                stream.archive(events)
        for at, (_, new) in batch.reach.items():
            row = rows.get(at) or AppliedOffset(topic=at[0], partition=at[1])
            row.mark = str(new)
            row.save()
        return Applied(())


def marks(partitions: Sequence[Partition]) -> dict[Partition, Mark]:
    """The archive's applied offsets of these partitions, for those that have one."""
    return {(row.topic, row.partition): Mark.read(row.mark) for row in _rows(partitions)} if partitions else {}


def _rows(partitions: Sequence[Partition]) -> Any:
    wanted = Q()
    for topic, partition in partitions:
        wanted |= Q(topic=topic, partition=partition)
    return AppliedOffset.objects.filter(wanted).order_by("topic", "partition")


def _away(error: Exception) -> DatabaseAway:
    connection.close()
    return DatabaseAway(f"The database does not answer ({error}).")
