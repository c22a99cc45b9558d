"""Failure points: where the fault suite lets a process die, exactly between two steps.

`FAIL_POINT=after-apply` ends the process at its first pass, `FAIL_POINT=after-apply:7` at its seventh, as `kill -9`
would. Read once, at the import; where it is unset, a pass costs one comparison.
"""

import os
import signal

from django.core.exceptions import ImproperlyConfigured

POINTS = {
    "before-apply": "a batch is polled and decoded, and not applied",
    "after-divert": "dead letters are acknowledged, and their batch is not applied",
    "after-apply": "a batch is applied, and its pushes are not sent",
    "after-push": "pushes are sent, and the offset is not committed",
    "relay-after-send": "Kafka has acknowledged outbox rows, and they are not marked as sent",
}


def armed(text: str) -> tuple[str, int]:
    """The point and the pass that FAIL_POINT names; raises ImproperlyConfigured where it names none."""
    name, colon, count = text.partition(":")
    if not name and not colon:
        return "", 0
    if name not in POINTS:
        raise ImproperlyConfigured(f"FAIL_POINT is {text!r}; its points are {', '.join(POINTS)}.")
    if colon and not (count.isdecimal() and int(count) >= 1):
        raise ImproperlyConfigured(f"FAIL_POINT is {text!r}; after the colon stands the number of a pass, from 1.")
    return name, int(count or 1)


NAME, passes = armed(os.environ.get("FAIL_POINT", "").strip())


def reach(name: str) -> None:
    """Ends this process with SIGKILL where FAIL_POINT names this point and this pass of it."""
    global passes
    if name != NAME:
        return
    passes -= 1
    if passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
