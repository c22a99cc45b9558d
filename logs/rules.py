"""The redaction rules in force: LOGS_REDACT for every service, and what staff set for one of them."""

import logging
import time
from collections.abc import Callable
from typing import Any

import re2
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from logs.events import LogEvent, decode
from logs.models import LogStream, patterns_of
from logs.redaction import BUILT_IN, EMAILS, RuleBook, Rules, redact
from realtime.api import Malformed, Record

logger = logging.getLogger(__name__)

READ_EVERY_S = 10.0
"""How soon a change of rules is in force, at the latest; lines that were stored before stay as they are."""


def normalise(record: Record) -> list[LogEvent] | Malformed:
    """The lines of a record, redacted: what workers, archive and pages get, whatever the record holds."""
    events = decode(record)
    if isinstance(events, Malformed) or record.value is None:
        return events
    return redact(events, record.value, _shelf.book())


class Shelf:
    """Keeps the rules as they were read last. A database that is away changes nothing.

    Where they could never be read, every built-in rule is in force: rather too much is taken out than too little.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._book = RuleBook(Rules(frozenset(BUILT_IN)))
        self._read_at = float("-inf")

    def book(self) -> RuleBook:
        now = self._now()
        if now >= self._read_at + READ_EVERY_S:
            self._read_at = now
            try:
                connection.close_if_unusable_or_obsolete()
                self._book = read()
            except DatabaseError as error:
                logger.warning("The redaction rules could not be read (%s); those known before are in force.", error)
                connection.close()
        return self._book


def read() -> RuleBook:
    """The rules as settings and database have them now."""
    others = frozenset(settings.LOGS_REDACT)
    own = LogStream.objects.exclude(redact_emails=False, redact_patterns="")
    return RuleBook(
        Rules(others),
        {
            stream.service: Rules(others | {EMAILS} if stream.redact_emails else others, compiled(stream))
            for stream in own.only("service", "redact_emails", "redact_patterns")
        },
    )


def compiled(stream: LogStream) -> tuple[Any, ...]:
    return tuple(re2.compile(pattern) for pattern in patterns_of(stream.redact_patterns))


_shelf = Shelf()
