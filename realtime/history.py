"""The pushes of one group in the order of their seqs, and the recent ones again for who comes late (pure)."""

from collections import deque

from realtime.lenses import Part

KEEP = 500


class History:
    """What a hub knows of a group: `seq` is the last push taken; a later one waits for its predecessors."""

    def __init__(self, seq: int = 0, keep: int = KEEP) -> None:
        self.seq = seq
        self._early: dict[int, Part] = {}
        self._taken: deque[tuple[int, int, Part]] = deque([(seq, seq, Part())], maxlen=keep)  # seq before, after, what

    @property
    def waits(self) -> bool:
        """Whether a push is held whose predecessor has not come."""
        return bool(self._early)

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

    def after(self, seq: int) -> Part | None:
        """All that was taken after a seq, merged; None where the history does not reach back so far."""
        if self._taken[0][0] > seq:
            return None
        whole = Part()
        for _, reached, part in self._taken:
            if reached > seq:
                whole.add(part)
        return whole

    def forget(self) -> None:
        """Drops what was taken: everybody holds it."""
        self._taken.clear()
        self._taken.append((self.seq, self.seq, Part()))

    def _take_held(self) -> bool:
        before = self.seq
        while (part := self._early.pop(self.seq + 1, None)) is not None:
            self._take(self.seq + 1, part)
        return self.seq > before

    def _take(self, seq: int, part: Part) -> None:
        self._taken.append((self.seq, seq, part))
        self.seq = seq
