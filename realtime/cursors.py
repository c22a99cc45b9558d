"""Cursors: the place from which a viewer can resume, as text that nobody else needs to understand (pure)."""

import base64
import binascii
from typing import NamedTuple

import msgspec

Key = tuple[int, int, int, str]
"""A place in a walk over a view: its section, which kind or tally of that, the bucket, the id or field."""
START: Key = (-1, 0, 0, "")
LONGEST = 1000


class Inside(NamedTuple):
    """A walk that is not over: after which key to go on, and the seq that what it tells is a delta to (None: nothing).

    Who was told a part of a snapshot, or of what it missed, goes on there.
    """

    after: Key
    base: int | None


class Cursor(NamedTuple):
    """The epoch, the seq of its group and the last line's number; `lens` says through which lens that was seen.

    Inside a walk, `seq` is what the viewer will hold at its end.
    """

    epoch: str
    seq: int
    number: int
    lens: str = ""
    inside: Inside | None = None

    def __str__(self) -> str:
        text = f"{self.epoch}.{self.seq}.{self.number}.{self.lens}"
        return text if self.inside is None else f"{text}.{_pack(self.inside)}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """A cursor from its text; None where it is none (the answer is then a snapshot, never an error)."""
        parts = text.split(".") if len(text) <= LONGEST else []
        if not 3 <= len(parts) <= 5 or not (parts[0] and _is_number(parts[1]) and _is_number(parts[2])):
            return None
        inside = None
        if len(parts) == 5:
            inside = _unpack(parts[4])
            if inside is None:
                return None
        return cls(parts[0], int(parts[1]), int(parts[2]), parts[3] if len(parts) > 3 else "", inside)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _pack(inside: Inside) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(inside)).decode().rstrip("=")


def _unpack(text: str) -> Inside | None:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Inside)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return None
