"""What a viewer is brought to the present with: a snapshot, or what it missed since its cursor."""

from typing import NamedTuple

from realtime.cursors import Cursor
from realtime.lenses import Lens, Part, View
from realtime.state.reader import Reader

READ_IDS = 500


class Missed(NamedTuple):
    """What changed after a seq: the seq and line number that it reaches, and the part."""

    seq: int
    number: int
    part: Part


async def snapshot(reader: Reader, view: View, lens: Lens, epoch: str, now: float) -> tuple[Cursor, Part] | None:
    """The whole view as one lens may see it; None where another epoch began meanwhile. Raises StateAway.

    The seq is that of the first piece read: a delta after it is never missing, and what a later piece holds already
    is told apart by its rev.
    """
    part, seqs, number = Part(), [], 0
    if view.tail is not None:
        lines = await reader.lines(view.tail, 0)
        if lines.epoch != epoch:
            return None
        seqs, number = [lines.seq], lines.number
        part.lines = lines.part.lines[-view.limit :]
    part.add(await reader.totals(view.tallies, now))
    for kind in view.kinds:
        ids = lens.ids(kind, part)
        ids = await reader.index(kind) if ids is None else ids
        for first in range(0, max(len(ids), 1), READ_IDS):
            read = await reader.values(view.group, [(kind, id) for id in ids[first : first + READ_IDS]])
            if read.epoch != epoch:
                return None
            seqs.append(read.seq)
            part.values.update(read.part.values)
    return Cursor(epoch, min(seqs, default=0), number), part


async def since(reader: Reader, view: View, seq: int, number: int, now: float) -> Missed | None:
    """What changed in a view after a seq and a line's number; None where that is no longer known. Raises StateAway."""
    changed = await reader.changed(view, seq)
    if changed is None:
        return None
    read = await reader.values(view.group, changed)
    part, last = read.part, 0
    if view.tail is not None:
        lines = await reader.lines(view.tail, number)
        part.lines, last = lines.part.lines, lines.number
    part.add(await reader.totals(view.tallies, now))
    return Missed(read.seq, last, part)
