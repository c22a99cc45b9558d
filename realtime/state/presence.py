"""How many viewers watch what, counted over all web processes: members that expire unless they are shown again."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from realtime.state.connection import AWAY, StateAway, client, lua, names
from realtime.state.names import Names

BEAT_S, GONE_S = 8, 24
"""How often a process shows its viewers, and how long one that was killed still counts."""
CHUNK = 2000


class Presence:
    """One web process's viewers. It has as many members in a set as it has viewers there: they need no names."""

    def __init__(self, client: Any, names: Names) -> None:
        self.client, self.names = client, names
        self._process = secrets.token_hex(6)
        self._present = client.register_script(lua("present"))
        self._shown: dict[str, int] = {}

    async def show(self, counts: Mapping[str, int]) -> None:
        """Shows so many viewers by what they watch (see `watched`). Raises StateAway."""
        try:
            for what in {*counts, *self._shown}:
                await self._show(what, counts.get(what, 0), self._shown.get(what, 0))
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error
        self._shown = dict(counts)

    async def _show(self, what: str, count: int, before: int) -> None:
        left = [self._member(n) for n in range(count, before)]
        there = [self._member(n) for n in range(count)]
        for gone, here in _chunks(left, there):
            await self._present(keys=[self.names.key(f"viewers:{what}")], args=[GONE_S, len(gone), *gone, *here])

    def _member(self, n: int) -> str:
        return f"{self._process}-{n}"


def watched(view: str, subject: str = "") -> str:
    """What viewers are counted by: the view or, where each watches one of many things, that thing."""
    return f"{view}:{subject}" if subject else view


def count_viewers(view: str, subject: str = "") -> int | None:
    """How many watch a view, or one subject of it, over all web processes; None where Redis does not answer."""
    key = names().key(f"viewers:{watched(view, subject)}")
    try:
        return int(client().register_script(lua("present"))(keys=[key], args=[GONE_S, 0]))
    except AWAY:
        return None


def _chunks(left: list[str], there: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    for first in range(0, max(len(left), len(there)), CHUNK):
        yield left[first : first + CHUNK], there[first : first + CHUNK]
