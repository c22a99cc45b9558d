"""Whether this process is going: it takes no new viewers, and /readyz tells the proxy to send nobody."""

import threading

_begun = threading.Event()


def begin() -> None:
    _begun.set()


def begun() -> bool:
    return _begun.is_set()
