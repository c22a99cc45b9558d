"""Frames as text: cursors, slices of a snapshot, encoding (pure)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from realtime.cursors import Cursor
from realtime.lenses import Lens, Part

SLICE_BYTES = 80 * 1024
"""Of raw values in one frame of a snapshot: encoded, it stays below the protocol's 128 KB."""
TOTAL_BYTES, EXTRA_BYTES = 32, 24
"""What a count takes in a frame beside its name, and what a number or rev adds to a value."""

_encode = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    """One JSON text for a viewer, the cursor that stands in it ("" where none does), and its bytes."""

    text: str
    cursor: str
    size: int


def encode(type: str, body: dict[str, Any], cursor: Cursor | None, now: int) -> Frame:
    """One frame. `now` is the server's clock in Unix ms; a viewer that holds nothing yet has no cursor."""
    at = "" if cursor is None else str(cursor)
    data = _encode({"type": type, **({"cursor": at} if at else {}), "now": now, **body})
    return Frame(data.decode(), at, len(data))


def deltas(lens: Lens, part: Part, held: int, limit: int, cursor: Cursor, now: int) -> list[Frame]:
    """The frames that tell of a part to who holds the lines up to number `held`: none, a delta, a gap before it.

    Lines beyond `limit` are counted in `hidden`: the newest are shown.
    """
    texts: list[Frame] = []
    fresh = [line for line in part.lines if line.number > held]
    if fresh and fresh[0].number > held + 1:
        texts.append(encode("gap", {"missed": fresh[0].number - held - 1}, cursor, now))
    shown = fresh[-limit:]
    body = lens.frame(Part(part.values, shown, part.totals, part.produced), 0)
    if body is not None:
        if len(shown) < len(fresh):
            body["hidden"] = len(fresh) - len(shown)
        if part.produced is not None:
            body["produced"] = part.produced
        texts.append(encode("delta", body, cursor, now))
    return texts


def whole(type: str, lens: Lens, part: Part, cursor: Cursor, now: int) -> Iterator[Frame]:
    """A snapshot, or what a returning viewer missed, in frames that each stay below 128 KB."""
    pieces = list(slices(part))
    for i, piece in enumerate(pieces):
        body = lens.frame(piece, None if type == "snapshot" else 0)
        if body is not None:
            more = {"more": True} if type == "snapshot" and i < len(pieces) - 1 else {}
            yield encode(type, body | more, cursor, now)


def slices(part: Part) -> Iterator[Part]:
    """A part cut into pieces of at most SLICE_BYTES; at least one, even of nothing."""
    piece, size = Part(produced=part.produced), 0
    for weight, add in _pieces(part):
        if size and size + weight > SLICE_BYTES:
            yield piece
            piece, size = Part(produced=part.produced), 0
        add(piece)
        size += weight
    yield piece


def _pieces(part: Part) -> Iterator[tuple[int, Any]]:
    for id, value in part.values.items():
        yield (
            len(value.data or b"") + EXTRA_BYTES,
            lambda piece, id=id, value=value: piece.values.__setitem__(id, value),
        )
    for line in part.lines:
        yield len(line.data) + EXTRA_BYTES, lambda piece, line=line: piece.lines.append(line)
    for key, total in part.totals.items():
        yield TOTAL_BYTES + len(key[2]), lambda piece, key=key, total=total: piece.totals.__setitem__(key, total)
