"""The pushes of one group in the order of their seqs, and the recent ones again for who comes late (pure)."""

from collections import deque
from itertools import takewhile
from typing import NamedTuple

from realtime.lenses import Part

KEEP, KEEP_BYTES = 500, 4_000_000
MERGE_BYTES = 640 * 1024
"""Of states that are merged into what one viewer is told at once; it may have to wait in memory for its turn."""


class Taken(NamedTuple):
    """What was taken in at once: it leads from one seq to another."""

    before: int
    after: int
    part: Part
    size: int


class History:
    """What a hub knows of a group: `seq` is the last push taken; a later one waits for its predecessors."""

    def __init__(self, seq: int = 0, keep: int = KEEP, keep_bytes: int = KEEP_BYTES) -> None:
        self.seq = seq
        self._keep, self._keep_bytes = keep, keep_bytes
        self._early: dict[int, Part] = {}
        self._taken: deque[Taken] = deque()
        self._bytes = 0

    @property
    def waits(self) -> bool:
        """Whether a push is held whose predecessor has not come."""
        return bool(self._early)

    @property
    def oldest(self) -> int:
        """The lowest seq that `after` answers for."""
        return self._taken[0].before if self._taken else self.seq

    def add(self, seq: int, part: Part) -> bool:
        """Takes a push in, or holds it until its predecessors came; True where `seq` moved on."""
        if seq <= self.seq:
            return False
        self._early[seq] = part
        return self._take_held()

    def reach(self, seq: int, part: Part) -> bool:
        """Takes in what was read from Redis instead of the pushes up to `seq`; True where `seq` moved on."""
        if seq <= self.seq:
            return False
        self._early = {held: what for held, what in self._early.items() if held > seq}
        self._take(seq, part)
        self._take_held()
        return True

    def after(self, seq: int, most: int = MERGE_BYTES) -> tuple[int, Part] | None:
        """What was taken after a seq, merged, and the seq that it reaches; None where the history is too short.

        It reaches the last one, unless the merged states would be larger than `most` bytes.
        """
        if seq < self.oldest:
            return None
        later = self._later(seq)
        if len(later) == 1:
            return later[0].after, later[0].part
        whole, reached, size = Part(), seq, 0
        for taken in later:
            states = taken.part.states
            if size and size + states > most:
                break
            whole.add(taken.part)
            reached = taken.after
            size = size + states if size + states < most / 2 else whole.states  # exact where it matters
        return reached, whole

    def forget(self) -> None:
        """Drops what was taken: it lacks what a view that is new here wants to see."""
        self._taken.clear()
        self._bytes = 0

    def _later(self, seq: int) -> list[Taken]:
        found = list(takewhile(lambda taken: taken.after > seq, reversed(self._taken)))
        found.reverse()
        return found

    def _take_held(self) -> bool:
        before = self.seq
        while (part := self._early.pop(self.seq + 1, None)) is not None:
            self._take(self.seq + 1, part)
        return self.seq > before

    def _take(self, seq: int, part: Part) -> None:
        taken = Taken(self.seq, seq, part, part.states + sum(len(line.data) for line in part.lines))
        self._taken.append(taken)
        self._bytes += taken.size
        while len(self._taken) > self._keep or (self._bytes > self._keep_bytes and len(self._taken) > 1):
            self._bytes -= self._taken.popleft().size
        self.seq = seq
