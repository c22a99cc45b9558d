"""What a viewer may see of a view: the contract between the hub and the apps (pure)."""

import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from realtime.shapes import Id, Kind, Tail, Tally

NOT_UNDERSTOOD, SIGNED_OUT, FORBIDDEN, NOT_FOUND = 4400, 4401, 4403, 4404

TOTAL_BYTES, EXTRA_BYTES = 32, 24
"""About what a count takes in a frame beside its name, and what a number or rev adds to a value."""


class Value(NamedTuple):
    """A value as Redis holds it (None: gone) and the seq of its group when it was read or pushed."""

    data: bytes | None
    rev: int


class Line(NamedTuple):
    """A numbered line; `data` is its JSON object, without the number."""

    number: int
    data: bytes


@dataclass(slots=True)
class Part:
    """A piece of the state of one group: a chunk of a snapshot, or what some pushes changed."""

    values: dict[Id, Value] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    totals: dict[tuple[Tally, int, str], int] = field(default_factory=dict)
    produced: int | None = None

    def add(self, other: "Part") -> None:
        """Takes in a later part: newer values and larger totals win, lines follow."""
        for id, value in other.values.items():
            held = self.values.get(id)
            if held is None or value.rev >= held.rev:
                self.values[id] = value
        last = self.lines[-1].number if self.lines else 0
        self.lines.extend(line for line in other.lines if line.number > last)
        for key, total in other.totals.items():
            self.totals[key] = max(total, self.totals.get(key, 0))
        if other.produced is not None:
            self.produced = max(other.produced, self.produced or 0)

    @property
    def states(self) -> int:
        """About how many bytes its values and totals are."""
        return sum(len(value.data or b"") + EXTRA_BYTES for value in self.values.values()) + TOTAL_BYTES * len(
            self.totals
        )

    def __bool__(self) -> bool:
        return bool(self.values or self.lines or self.totals)


class Lens:
    """The sight of a view: decides, by an allow-list, what of a part goes into a frame. Apps subclass it.

    A filter is a part of the lens. Viewers with the same filter look through one lens object, and each frame is built
    once for all who hold the same.
    """

    share: Hashable = None
    """Lenses with the same key are the same sight; None for a lens that nobody shares, and that may keep a state."""

    @property
    def name(self) -> str:
        """What a cursor says of the lens: who comes back with another one gets a snapshot."""
        return "" if self.share is None else f"{zlib.crc32(repr(self.share).encode()):x}"

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str] | None:
        """Which ids of a kind a snapshot reads, given the kinds read before it; None reads the whole index."""
        return None

    def sees(self, id: Id, value: Value) -> bool:
        """Whether a value is shown. A lens that leaves out most says so here, and its snapshots take fewer frames."""
        return True

    def lines(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Those of the lines that are seen."""
        return lines

    @property
    def sees_all_lines(self) -> bool:
        """Whether `lines` leaves out none."""
        return True

    def urgent(self, line: Line) -> bool:
        """Whether a line is shown before others where there are more than a viewer is shown in a second."""
        return False

    def concerns(self, part: Part) -> bool:
        """A quick look: False where `frame` would surely return None."""
        return True

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        """The body of a frame, or None where nothing in the part concerns who looks.

        `held` is the seq that the viewers hold, None for a snapshot. The part's lines are those that `lines` gave.
        """
        raise NotImplementedError

    def wants(self) -> Sequence[Id]:
        """Values that the last frame made visible and that were not part of it; the hub reads and sends them."""
        return ()

    def knows(self, seq: int) -> bool:
        """Whether it can tell who holds `seq` what is no longer seen; else they get a snapshot."""
        return True

    def forget(self, seq: int) -> None:
        """Nobody who holds less than `seq` is told a delta any more."""

    def restart(self) -> None:
        """A new life of the state begins: seqs begin anew, and everybody gets a snapshot."""


class Denied(NamedTuple):
    """Why a view does not open: a close code of 4400 (a filter with a mistake), 4401, 4403 or 4404, and a reason."""

    code: int
    reason: str


@dataclass(frozen=True, eq=False)
class View:
    """What can be watched, at `/ws/<name>/` or `/ws/<name>/<argument>/`.

    `open(user, argument, params)` runs in a thread, may use the database. `params` hold the filter: the parameters of
    the address, or what a filter message on the socket said.
    """

    name: str
    group: str
    open: Callable[[Any, str, Mapping[str, str]], Lens | Denied]
    kinds: tuple[Kind, ...] = ()
    tail: Tail | None = None
    tallies: tuple[Tally, ...] = ()
    takes_argument: bool = False
    subject: Callable[[Any], str] | None = None
    """What a viewer with this lens is counted by, where the argument is a secret: an order's id, not its link."""
    limit: int = 1000
    """How many lines a snapshot, what a returning viewer missed, and one delta hold; the rest are in `hidden`."""
    per_second: int | None = None
    """How many lines one viewer is shown in a second; the rest are counted in `hidden`. None: as many as come."""
