"""Frames as text: what a part says through a lens, in pieces that each stay below 128 KB (pure)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from realtime.cursors import Cursor
from realtime.lenses import EXTRA_BYTES, TOTAL_BYTES, Lens, Line, Part, View
from realtime.pace import Pace, choose, newest

SLICE_BYTES = 80 * 1024
"""Of raw values in one frame: encoded, it stays below the protocol's 128 KB."""

_encode = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    """One JSON text for a viewer, the cursor that stands in it ("" where none does), and its bytes."""

    text: str
    cursor: str
    size: int


class Told(NamedTuple):
    """What a viewer is sent, and what it then holds."""

    seq: int
    number: int
    frames: list[Frame]
    pace: Pace
    hidden: int = 0
    missed: int = 0


def encode(type: str, body: dict[str, Any], cursor: Cursor | None, now: int) -> Frame:
    """One frame. `now` is the server's clock in Unix ms; a viewer that holds nothing yet has no cursor."""
    at = "" if cursor is None else str(cursor)
    data = _encode({"type": type, **({"cursor": at} if at else {}), "now": now, **body})
    return Frame(data.decode(), at, len(data))


def deltas(lens: Lens, part: Part, held: Cursor, reached: int, view: View, pace: Pace, now: int) -> Told:
    """What a part says to who holds the place `held`: nothing, a delta (in slices where it is large), a gap before it.

    Each frame's cursor is exact: who comes back with it gets what the frames after it said, and nothing is counted
    twice. Lines for which the view or the viewer's pace has no room are counted in `hidden`.
    """
    run, missed = last_run(part.lines, held.number)
    place, frames = held, []
    if missed:
        place = place._replace(number=held.number + missed)
        frames.append(encode("gap", {"missed": missed}, place, now))
    seen = lens.lines(run)
    if view.per_second is None:
        shown = newest(seen, view.limit)
    else:
        shown, pace = choose(seen, lens.urgent, pace, view.per_second, view.limit)
    last = part.lines[-1].number if run else held.number
    pieces = list(slices(Part(part.values, shown, part.totals, part.produced)))
    told = 0
    for i, piece in enumerate(pieces):
        body = lens.frame(piece, held.seq)
        if piece.lines:
            place = place._replace(number=piece.lines[-1].number)
        if i == len(pieces) - 1:
            place = held._replace(seq=reached, number=last)
        up_to = bisect_right(seen, place.number, key=_number)
        hidden, told = up_to - told - len(piece.lines), up_to
        if body is not None or hidden:
            frames.append(encode("delta", _with(body or {}, piece, hidden), place, now))
    return Told(reached, last, frames, pace, len(seen) - len(shown), missed)


_number = attrgetter("number")


def _with(body: dict[str, Any], piece: Part, hidden: int) -> dict[str, Any]:
    """A delta with what is no lens's business."""
    if piece.produced is not None:
        body["produced"] = piece.produced
    if hidden:
        body["hidden"] = hidden
    return body


def last_run(lines: Sequence[Line], held: int) -> tuple[Sequence[Line], int]:
    """The newest lines without a jump in their numbers, after number `held`, and how many numbers precede them.

    Lines before a jump are given up with those that were jumped over: so a gap and what follows it are one place.
    """
    if not lines or lines[-1].number <= held:
        return (), 0
    last = lines[-1].number
    if lines[0].number <= held + 1 and last - lines[0].number == len(lines) - 1:
        return lines[held + 1 - lines[0].number :], 0
    first = len(lines) - 1
    while first > 0 and lines[first - 1].number == lines[first].number - 1 and lines[first - 1].number > held:
        first -= 1
    return lines[first:], lines[first].number - held - 1


def slices(part: Part) -> Iterator[Part]:
    """A part cut into pieces of at most SLICE_BYTES; at least one, even of nothing."""
    if part.states + sum(len(line.data) for line in part.lines) <= SLICE_BYTES:
        yield part
        return
    piece, size = Part(produced=part.produced), 0

    def full(weight: int) -> bool:
        return size > 0 and size + weight > SLICE_BYTES

    for id, value in part.values.items():
        weight = len(value.data or b"") + EXTRA_BYTES
        if full(weight):
            yield piece
            piece, size = Part(produced=part.produced), 0
        piece.values[id] = value
        size += weight
    for line in part.lines:
        weight = len(line.data) + EXTRA_BYTES
        if full(weight):
            yield piece
            piece, size = Part(produced=part.produced), 0
        piece.lines.append(line)
        size += weight
    for key, total in part.totals.items():
        weight = len(key[2]) + TOTAL_BYTES
        if full(weight):
            yield piece
            piece, size = Part(produced=part.produced), 0
        piece.totals[key] = total
        size += weight
    yield piece
