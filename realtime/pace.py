"""How many lines one viewer is shown in a second: at most a set number, urgent ones first (pure)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from realtime.lenses import Line

LINES_BYTES = 320 * 1024
"""Of lines that one viewer is told at once, whatever their number: it may have to wait in memory for its turn."""
RESERVE = 4
"""One line in so many is kept for urgent ones, which may come late in a second."""


class Pace(NamedTuple):
    """What a viewer was shown within one second of the clock.

    Viewers who are told the same have the same pace after a second or two, whenever they came: so they share frames.
    """

    second: int = 0
    ordinary: int = 0
    urgent: int = 0
    came: int = 0
    """Urgent lines of this second, shown or not."""
    expected: int = 0
    """Urgent lines of the second before: so many may come again, and ordinary lines leave them room."""

    def at(self, now: int) -> "Pace":
        """The pace as it stands at a time in Unix ms."""
        second = now // 1000
        if second == self.second:
            return self
        return Pace(second, expected=self.came if second == self.second + 1 else 0)

    def after(self, lines: int) -> "Pace":
        """The pace of who was shown so many lines more, of whatever kind."""
        return self._replace(ordinary=self.ordinary + lines)


def choose(
    lines: Sequence[Line], is_urgent: Callable[[Line], bool], pace: Pace, per_second: int, limit: int
) -> tuple[list[Line], Pace]:
    """Those of the lines that are shown, in their order, and the pace after them.

    With `limit` at once and `per_second` within the second: the newest urgent ones, then as many of the newest others
    as leave room for the urgent lines that are to be expected.
    """
    urgent: list[Line] = []
    others: list[Line] = []
    for line in lines:
        (urgent if is_urgent(line) else others).append(line)
    room = min(limit, per_second - pace.ordinary - pace.urgent)
    first = newest(urgent, room)
    reserved = max(-(-per_second // RESERVE), pace.expected)
    rest = min(room - len(first), per_second - reserved - pace.ordinary)
    then = newest(others, rest, LINES_BYTES - sum(len(line.data) for line in first))
    shown = pace._replace(
        ordinary=pace.ordinary + len(then), urgent=pace.urgent + len(first), came=pace.came + len(urgent)
    )
    return sorted(first + then) if first else then, shown


def newest(lines: Sequence[Line], limit: int, most: int = LINES_BYTES) -> list[Line]:
    """The newest lines: at most `limit`, and `most` bytes unless one alone is larger."""
    if limit <= 0 or most <= 0:
        return []
    shown = list(lines[-limit:])
    size = sum(len(line.data) for line in shown)
    if size <= most:
        return shown
    first = 0
    while size > most and first < len(shown) - 1:
        size -= len(shown[first].data)
        first += 1
    return shown[first:]
