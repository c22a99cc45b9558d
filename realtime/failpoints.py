"""Failure points: where the fault suite lets a process die, exactly between two steps.

`FAIL_POINT=after-apply` ends the process at its first pass, `FAIL_POINT=after-apply:7` at its seventh, as `kill -9`
would; `FAIL_POINT=after-apply:7:stop` pauses it there as SIGSTOP would, until SIGCONT; `:block` leaves that one thread
standing for ever, while others go on. Its last words on stderr say how many records it had in hand. Read once, at the
import; where it is unset, a pass costs one comparison.
"""

import os
import signal
import threading
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

POINTS = {
    "before-apply": "a batch is polled and decoded, and not applied",
    "after-divert": "dead letters are acknowledged, and their batch is not applied",
    "after-apply": "a batch is applied, and its pushes are not sent",
    "after-push": "pushes are sent, and the offset is not committed",
    "web-turn": "the event loop of a web process has turned once more",
    "relay-after-send": "Kafka has acknowledged outbox rows, and they are not marked as sent",
}


ENDS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "block": None}


class Armed(NamedTuple):
    """The point and the pass at which this process gets a signal; without one its thread stands still there."""

    name: str
    passes: int
    signal: signal.Signals | None


def armed(text: str) -> Armed:
    """What FAIL_POINT says; raises ImproperlyConfigured where it names no point, pass or end."""
    name, colon, rest = text.partition(":")
    count, _, end = rest.partition(":")
    if not text:
        return Armed("", 0, signal.SIGKILL)
    if name not in POINTS:
        raise ImproperlyConfigured(f"FAIL_POINT is {text!r}; its points are {', '.join(POINTS)}.")
    if colon and not (count.isdecimal() and int(count) >= 1):
        raise ImproperlyConfigured(f"FAIL_POINT is {text!r}; after the colon stands the number of a pass, from 1.")
    if end and end not in ENDS:
        raise ImproperlyConfigured(f"FAIL_POINT is {text!r}; it ends in {' or '.join(ENDS)}, or says nothing of it.")
    return Armed(name, int(count or 1), ENDS[end or "kill"])


NAME, passes, SIGNAL = armed(os.environ.get("FAIL_POINT", "").strip())


def reach(name: str, records: int = 0) -> None:
    """Ends, pauses or blocks where FAIL_POINT names this point and this pass of it."""
    global passes
    if name != NAME:
        return
    passes -= 1
    if passes == 0:
        os.write(2, f"FAIL_POINT {name}: {records} records in hand\n".encode())
        if SIGNAL is None:
            threading.Event().wait()
        else:
            os.kill(os.getpid(), SIGNAL)
