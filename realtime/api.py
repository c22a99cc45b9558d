"""What other code may import from `realtime`: declare a Stream, publish to a topic.

Names that do no I/O are imported at once; the others on first use, so that pure modules of an app stay pure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from realtime.lenses import FORBIDDEN, NOT_FOUND, NOT_UNDERSTOOD, SIGNED_OUT, Denied, Lens, Line, Part, Value, View
from realtime.records import MAX_VALUE_BYTES, Malformed, Record, Stamp, oversized
from realtime.shapes import Change, Id, Kind, Old, Put, Tail, Tally
from realtime.times import effective, event_time, millis

if TYPE_CHECKING:
    from realtime.acks import acked_publish
    from realtime.bodies import read_body
    from realtime.deliveries import GONE, Answer, Deliveries, Delivery, new_webhook_secret, post_signed
    from realtime.ingestkeys import KeyAuth, KeyHolder, TooMany, authenticate_key
    from realtime.kafka_settings import KafkaAway
    from realtime.logcontext import log_about
    from realtime.logsafe import mask
    from realtime.outbox import publish
    from realtime.producer import Producer
    from realtime.proxies import client_address
    from realtime.sessionauth import SessionAuth
    from realtime.state import newest_lines, peek
    from realtime.state.connection import StateAway
    from realtime.state.limits import limited
    from realtime.state.presence import count_viewers
    from realtime.state.survey import Span, Survey, survey
    from realtime.topics import Excerpt

__all__ = [
    "FORBIDDEN",
    "GONE",
    "MAX_VALUE_BYTES",
    "NOT_FOUND",
    "NOT_UNDERSTOOD",
    "SIGNED_OUT",
    "Answer",
    "Change",
    "Deliveries",
    "Delivery",
    "Denied",
    "Duty",
    "Excerpt",
    "Id",
    "KafkaAway",
    "KeyAuth",
    "KeyHolder",
    "Kind",
    "Lens",
    "Line",
    "Malformed",
    "Old",
    "Part",
    "Producer",
    "Put",
    "Record",
    "SessionAuth",
    "Span",
    "Stamp",
    "StateAway",
    "Stream",
    "Survey",
    "Tail",
    "Tally",
    "TooMany",
    "Value",
    "View",
    "acked_publish",
    "authenticate_key",
    "client_address",
    "count_viewers",
    "effective",
    "event_time",
    "limited",
    "log_about",
    "mask",
    "millis",
    "new_webhook_secret",
    "newest_lines",
    "oversized",
    "peek",
    "post_signed",
    "publish",
    "read_body",
    "survey",
]

LATE = {
    "Excerpt": "realtime.topics",
    "Answer": "realtime.deliveries",
    "Deliveries": "realtime.deliveries",
    "Delivery": "realtime.deliveries",
    "GONE": "realtime.deliveries",
    "KafkaAway": "realtime.kafka_settings",
    "KeyAuth": "realtime.ingestkeys",
    "KeyHolder": "realtime.ingestkeys",
    "Producer": "realtime.producer",
    "SessionAuth": "realtime.sessionauth",
    "Span": "realtime.state.survey",
    "StateAway": "realtime.state.connection",
    "Survey": "realtime.state.survey",
    "TooMany": "realtime.ingestkeys",
    "client_address": "realtime.proxies",
    "count_viewers": "realtime.state.presence",
    "limited": "realtime.state.limits",
    "log_about": "realtime.logcontext",
    "mask": "realtime.logsafe",
    "acked_publish": "realtime.acks",
    "authenticate_key": "realtime.ingestkeys",
    "new_webhook_secret": "realtime.deliveries",  # nosec B105 - a module
    "newest_lines": "realtime.state",
    "peek": "realtime.state",
    "post_signed": "realtime.deliveries",
    "publish": "realtime.outbox",
    "read_body": "realtime.bodies",
    "survey": "realtime.state.survey",
}


def __getattr__(name: str) -> Any:
    if name in LATE:
        return getattr(import_module(LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Duty:
    """What one of all processes does every so many seconds: `do(now)`, `now` in Unix seconds.

    It runs on a thread of an archive worker, under a lock that another worker takes within 10 s after its holder died.
    A holder that hangs may be overtaken, so what it writes must bear two at once. What it raises is logged, and it is
    done again when it is next due.
    """

    name: str
    every_s: float
    do: Callable[[float], None]


def no_ids(events: Sequence[Any]) -> Sequence[Id]:
    """The ids that a reduce reads, where it reads none."""
    return ()


@dataclass(frozen=True, eq=False)
class Stream:
    """A topic with its decode, reduce and views; one per topic, listed by dotted path in REALTIME_STREAMS.

    decode(record)            events of this record, or Malformed; pure
    keys(events)              ids of the values that reduce reads
    reduce(events, old, now)  the change to the state; pure. `old` holds bytes by id (None: there is no value), `now`
                              is Unix ms
    views                     what can be watched
    load(ids)                 values that the database holds for ids that Redis lacks; reduce gets them as `old`
    join(id, ours, theirs)    two values of one id merged, for what `load` could not read in time; pure
    archive(events)           writes events to the database, inside the transaction that holds the applied offset
    restore()                 changes that put the archive's state into an empty Redis, in pieces
    rewind_ms                 after Redis lost its state the topic is read again from the full minute so long ago;
                              None: from the archive's applied offset
    owns                      patterns of further Redis keys of this stream, such as timelines
    shape                     of what it keeps in Redis: one more where a release cannot read what the one before it
                              wrote; the state is then rebuilt
    duties                    what one archive worker of all does every few seconds
    since                     where a rebuild notes that minute (Unix ms), for streams that rewind
    """

    topic: str
    decode: Callable[[Record], Sequence[Any] | Malformed]
    reduce: Callable[[Sequence[Any], Old, int], Change]
    views: tuple[View, ...] = ()
    keys: Callable[[Sequence[Any]], Sequence[Id]] = no_ids
    load: Callable[[Sequence[Id]], Mapping[Id, bytes]] | None = None
    join: Callable[[Id, bytes, bytes], Put] | None = None
    archive: Callable[[Sequence[Any]], None] | None = None
    restore: Callable[[], Iterator[Change]] | None = None
    rewind_ms: int | None = None
    owns: tuple[str, ...] = ()
    since: Id | None = None
    shape: int = 1
    duties: tuple[Duty, ...] = ()
