"""What a browser may say on a WebSocket: acknowledgements and filters, and not too often (pure)."""

from typing import Any, NamedTuple

import msgspec

from realtime.lenses import NOT_UNDERSTOOD

TOO_BIG, TOO_MANY = 1009, 4429
MAX_BYTES = 64 * 1024
MOST_READ = 2 * MAX_BYTES
"""What announces itself as more is not even read: the server closes the socket."""
PER_S, AT_ONCE = 50.0, 200.0
"""Messages that a socket may send, lastingly and in one go."""
FILTER_COSTS = 10
"""A filter is answered with a snapshot: it counts as so many messages."""


class Ack(msgspec.Struct, tag="ack"):
    """How many frames of this connection the viewer has received so far."""

    frames: int


class Filter(NamedTuple):
    """The filter that replaces the one before, as the parameters of an address would say it."""

    params: dict[str, str]


class Wrong(NamedTuple):
    """The close code and reason for a message that is none of ours."""

    code: int
    reason: str


_ack = msgspec.json.Decoder(Ack).decode
_any = msgspec.json.Decoder(dict[str, Any]).decode


def read(text: str | None, data: bytes | None) -> Ack | Filter | Wrong:
    """One message of a browser."""
    if max(len(text or ""), len(data or b"")) > MAX_BYTES:
        return Wrong(TOO_BIG, f"a message is at most {MAX_BYTES} bytes")
    if text is None:
        return Wrong(NOT_UNDERSTOOD, "a binary message; messages are JSON texts")
    try:
        raw = text.encode()
        if len(raw) > MAX_BYTES:
            return Wrong(TOO_BIG, f"a message is at most {MAX_BYTES} bytes")
        return _ack(raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _other(text)


def _other(text: str) -> Filter | Wrong:
    try:
        said = _any(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Wrong(NOT_UNDERSTOOD, "not a JSON object of type ack or filter")
    if said.pop("type", None) != "filter":
        return Wrong(NOT_UNDERSTOOD, "not a JSON object of type ack or filter")
    return Filter({name: text for name, value in said.items() if (text := _param(value))})


def _param(value: Any) -> str:
    """A value as an address would write it: lists with commas."""
    if isinstance(value, list):
        return ",".join(_param(item) for item in value)
    return "" if value is None else str(value)


class Allowance:
    """How much a socket may still say: refilled by PER_S a second, up to AT_ONCE."""

    def __init__(self) -> None:
        self._left, self._at = AT_ONCE, 0.0

    def takes(self, now: float, cost: float = 1.0) -> bool:
        """Whether a message of this cost is allowed at `now` (seconds of any clock)."""
        self._left = min(AT_ONCE, self._left + (now - self._at) * PER_S)
        self._at = now
        if self._left < cost:
            return False
        self._left -= cost
        return True
