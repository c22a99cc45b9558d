"""The only modules that talk to Redis: `live` writes, `reader` reads for the web, small helps stand here."""

import contextlib
import logging

from realtime.lenses import Line
from realtime.shapes import Id, Tail
from realtime.state.connection import AWAY, StateAway, client, names

__all__ = ["StateAway", "newest_lines", "nudge_relay", "peek", "ping", "wait_for_nudge"]

logger = logging.getLogger(__name__)


def peek(id: Id) -> bytes | None:
    """The value that Redis holds for an id; None where it holds none or does not answer."""
    kind, name = id
    try:
        value: bytes | None = client().get(names().key(kind.key(name)))
    except AWAY:
        return None
    return value


def newest_lines(tail: Tail) -> list[Line]:
    """All lines that Redis keeps of a tail, with their numbers. Raises StateAway where it does not answer."""
    try:
        pipe = client().pipeline(transaction=True)
        pipe.lrange(names().key(tail.key), 0, -1)
        pipe.get(names().key(tail.number))
        held, last = pipe.execute()
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
    first = int(last or 0) - len(held) + 1
    return [Line(first + i, data) for i, data in enumerate(held)]


def ping() -> None:
    """Raises StateAway where Redis does not answer."""
    try:
        client().ping()
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error


def nudge_relay() -> None:
    """Wakes the relay after a commit; it polls anyway, so a Redis that is away costs only time."""
    with contextlib.suppress(*AWAY):
        pipe = client().pipeline(transaction=False)
        pipe.lpush(names().nudge, b"1")
        pipe.ltrim(names().nudge, 0, 0)
        pipe.execute()


def wait_for_nudge(timeout_s: float) -> bool:
    """Waits for `nudge_relay`, at most so long; raises StateAway where Redis does not answer."""
    try:
        return client().blpop([names().nudge], timeout=timeout_s) is not None
    except AWAY as error:
        raise StateAway(f"Redis does not answer ({error}).") from error
