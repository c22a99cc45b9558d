"""What a viewer is brought to the present with: a snapshot, or what it missed, read from Redis piece by piece.

A walk goes over a view in a fixed order: values by kind and id, counts by bucket, then lines. So a place in it can be
written into a cursor, and who was told a part of it goes on there. A walk that stands still keeps next to nothing, so a
viewer that reads slowly costs little; viewers that walk at the same time share the pieces.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from realtime.cursors import START, Cursor, Inside, Key
from realtime.frames import SLICE_BYTES, Frame, encode
from realtime.lenses import EXTRA_BYTES, TOTAL_BYTES, Lens, Line, Part, Value, View
from realtime.pace import newest
from realtime.shapes import Id, Tally
from realtime.state.reader import Read, Reader

READ_IDS, READ_BYTES = 500, 256 * 1024
FIRST_READ = 100
READ_LINES = 2000
KEEP_BYTES = 4_000_000
"""Of frames that viewers who walk at the same time share."""
VALUES, TOTALS, LINES = 0, 1, 2


class Afresh(Exception):
    """What was to be told is no longer known: only a snapshot helps."""


class Missed(NamedTuple):
    """What changed after a seq: the seq that it reaches, and the part."""

    seq: int
    part: Part


class Piece(NamedTuple):
    """The next frames of a walk; after which key the walk goes on (None: it is over), and what number it reached."""

    frames: list[Frame]
    after: Key | None
    number: int
    lines: int

    @property
    def size(self) -> int:
        return sum(frame.size for frame in self.frames)


class Lines(NamedTuple):
    """The newest lines that a lens sees; how many more it would, how many are gone for good, the last line's number."""

    seen: list[Line]
    hidden: int
    missed: int
    number: int


class Own(NamedTuple):
    """What a viewer with a lens of its own is told (None: nothing), and the seq that it then holds."""

    seq: int
    body: dict[str, Any] | None


class Atom(NamedTuple):
    """One item of a walk: its key, its bytes, and which of the three it is. `found` comes with the first line."""

    key: Key
    size: int
    value: tuple[Id, Value] | None = None
    total: tuple[tuple[Tally, int, str], int] | None = None
    line: Line | None = None
    found: Lines | None = None


class Walk:
    """A view as one lens sees it: the whole of it (`base` is None), or what changed after the place `base`.

    `seq` is what a viewer holds who was told all of it; `limit` is how many lines it tells.
    """

    def __init__(self, reader: Reader, view: View, lens: Lens, epoch: str, base: Cursor | None = None) -> None:
        self.reader, self.view, self.lens, self.epoch, self.base = reader, view, lens, epoch, base
        self.seq: int | None = None
        self.limit = view.limit
        self.number = 0 if base is None else base.number
        self.begun = self.used = 0.0
        self._atoms: AsyncIterator[Atom] | None = None
        self._at: Key | None = None
        self._next: Atom | None = None
        self._pieces: dict[Key, Piece] = {}
        self._bytes = 0
        self._last = self.number
        self._lock = asyncio.Lock()

    @classmethod
    def resumed(cls, reader: Reader, view: View, lens: Lens, cursor: Cursor) -> "tuple[Walk, Key]":
        """A walk that another one began, and the key after which it goes on."""
        inside = cursor.inside
        if inside is None:
            return cls(reader, view, lens, cursor.epoch, cursor), START
        base = None if inside.base is None else cursor._replace(seq=inside.base, inside=None)
        walk = cls(reader, view, lens, cursor.epoch, base)
        walk.seq = cursor.seq
        return walk, inside.after

    async def piece(self, after: Key, now: float) -> Piece:
        """The frames after a key. Raises StateAway, and Afresh where it cannot go on."""
        async with self._lock:
            self.used = now
            found = self._pieces.get(after) or await self._make(after, now)
            if self.base is None:
                self._keep(after, found)
            return found

    def rest(self) -> None:
        """Lets go of what is kept for the next pieces; they are read again when they are asked for."""
        if self._lock.locked():
            return
        self._pieces.clear()
        self._bytes = 0
        self._at = self._next = None
        self._atoms = None

    def _keep(self, after: Key, piece: Piece) -> None:
        """Others who walk now get the same frames."""
        if after not in self._pieces:
            self._pieces[after] = piece
            self._bytes += piece.size
        while self._bytes > KEEP_BYTES:
            self._bytes -= self._pieces.pop(next(iter(self._pieces))).size

    async def _make(self, after: Key, now: float) -> Piece:
        if self._atoms is None or self._at != after:
            self._atoms, self._next = self._walk(after, now), None
        self._at = None  # a step that is interrupted leaves nothing to go on with
        part, size, key = Part(), 0, after
        found: Lines | None = None
        atom = self._next or await anext(self._atoms, None)
        while atom is not None and (not size or size + atom.size <= SLICE_BYTES):
            key, size, found = atom.key, size + atom.size, found or atom.found
            if atom.value is not None:
                part.values[atom.value[0]] = atom.value[1]
            if atom.total is not None:
                part.totals[atom.total[0]] = atom.total[1]
            if atom.line is not None:
                part.lines.append(atom.line)
            atom = await anext(self._atoms, None)
        self._next, self._at = atom, key
        return self._framed(part, after, None if atom is None else key, found, int(now * 1000))

    def _framed(self, part: Part, after: Key, key: Key | None, found: Lines | None, now: int) -> Piece:
        """The frames of one piece. In the cursors of all but the last stands where the walk goes on."""
        base = None if self.base is None else self.base.seq
        held = after[2] if after[0] == LINES else self.number
        if key is None:
            place = self._place(self._last, None)
        else:
            place = self._place(key[2] if key[0] == LINES else self.number, Inside(key, base))
        frames: list[Frame] = []
        if found is not None and found.missed:
            gone = held + found.missed
            frames.append(encode("gap", {"missed": found.missed}, self._place(gone, Inside(in_lines(gone), base)), now))
        body = self.lens.frame(part, base)
        if body is not None:
            if base is None:
                body |= ({"first": True} if after == START else {}) | ({"more": True} if key is not None else {})
            if found is not None and found.hidden:
                body["hidden"] = found.hidden
            frames.append(encode("snapshot" if base is None else "delta", body, place, now))
        return Piece(frames, key, place.number, len(part.lines))

    def _place(self, number: int, inside: Inside | None) -> Cursor:
        return Cursor(self.epoch, self.seq or 0, number, self.lens.name, inside)

    # --- what a walk goes over ----------------------------------------------------------------------------------------

    async def _walk(self, after: Key, now: float) -> AsyncIterator[Atom]:
        self._last = after[2] if after[0] == LINES else self.number
        if after < (TOTALS,):
            async for atom in self._values(after):
                yield atom
        if after < (LINES,):
            for atom in await self._totals(after, now):
                yield atom
        if self.view.tail is not None:
            for atom in await self._lines(after):
                yield atom

    async def _values(self, after: Key) -> AsyncIterator[Atom]:
        ids = await self._ids()
        which = {kind: i for i, kind in enumerate(self.view.kinds)}
        first = bisect_right(ids, after, key=lambda id: (VALUES, which[id[0]], 0, id[1]))
        count = FIRST_READ
        while first < len(ids):
            read = self._of_this_life(await self.reader.values(self.view.group, ids[first : first + count]))
            for id, value in read.part.values.items():
                seen = self.lens.sees(id, value)
                if seen or self.base is not None:
                    size = EXTRA_BYTES + (len(value.data or b"") if seen else 0)
                    yield Atom((VALUES, which[id[0]], 0, id[1]), size, value=(id, value))
            first += count
            count = max(1, min(READ_IDS, count * READ_BYTES // max(1, read.part.states)))

    async def _ids(self) -> Sequence[Id]:
        """The ids to be told, by kind and id; whoever has their values lacks only what came after `seq`."""
        wanted = {kind: self.lens.ids(kind, Part()) for kind in self.view.kinds}
        if self.base is None:
            read = await self.reader.indexes(self.view.group, [kind for kind, ids in wanted.items() if ids is None])
        else:
            changed = await self.reader.changed(self.view, self.base.seq)
            if changed is None or changed.seq < self.base.seq or not self.lens.knows(self.base.seq):
                raise Afresh
            read = changed
        if read.epoch != self.epoch:
            raise Afresh
        if self.seq is None:
            self.seq = read.seq
        if self.base is None:
            named = [(kind, id) for kind, ids in wanted.items() for id in sorted(ids or ())]
            which = list(self.view.kinds)
            return sorted([*read.ids, *named], key=lambda id: (which.index(id[0]), id[1])) if named else read.ids
        seen = {kind: None if ids is None else frozenset(ids) for kind, ids in wanted.items()}
        return [(kind, id) for kind, id in read.ids if (only := seen[kind]) is None or id in only]

    async def _totals(self, after: Key, now: float) -> list[Atom]:
        tallies = self.view.tallies
        which = {tally: i for i, tally in enumerate(tallies)}
        part = await self.reader.totals(tallies, now)
        atoms = [
            Atom((TOTALS, which[tally], bucket, field), len(field) + TOTAL_BYTES, total=((tally, bucket, field), n))
            for (tally, bucket, field), n in part.totals.items()
        ]
        return sorted((atom for atom in atoms if atom.key > after), key=attrgetter("key"))

    async def _lines(self, after: Key) -> list[Atom]:
        held = after[2] if after[0] == LINES else None if self.base is None else self.number
        found = await self._find_lines(held)
        self._last = found.number
        if not found.seen:
            return [Atom(in_lines(found.number), 0, found=found)]
        atoms = [Atom(in_lines(line.number), len(line.data) + EXTRA_BYTES, line=line) for line in found.seen]
        atoms[0] = atoms[0]._replace(found=found)
        return atoms

    async def _find_lines(self, held: int | None) -> Lines:
        """The newest lines that the lens sees after number `held`; None: of all that Redis keeps."""
        assert self.view.tail is not None
        seen: list[Line] = []
        hidden = missed = 0
        at = held if held is not None else -self.limit if self.lens.sees_all_lines else 0
        while True:
            read = self._of_this_life(await self.reader.lines(self.view.tail, at, READ_LINES))
            lines = read.part.lines
            if held is not None and held > read.number:
                raise Afresh
            if lines and held is not None and lines[0].number > at + 1:  # what came before is given up with the gap
                seen, hidden, missed = [], 0, lines[0].number - held - 1
            seen += self.lens.lines(lines)
            shown = newest(seen, self.limit)
            hidden, seen = hidden + len(seen) - len(shown), shown
            at = lines[-1].number if lines else read.number
            if at >= read.number:
                return Lines(seen, 0 if held is None else hidden, missed, read.number)
            await asyncio.sleep(0)  # others have their turn

    def _of_this_life(self, read: Read) -> Read:
        if read.epoch != self.epoch:
            raise Afresh
        return read


def in_lines(number: int) -> Key:
    """The key of a walk that has told the lines up to a number."""
    return (LINES, 0, number, "")


def is_small(view: View, lens: Lens) -> bool:
    """Whether a lens names the few values that it looks at, so that they can be read at once."""
    return lens.share is None and all(lens.ids(kind, Part()) is not None for kind in view.kinds)


async def own(reader: Reader, view: View, lens: Lens, epoch: str, since: int | None) -> Own:
    """A view as a small lens of one viewer's own sees it, read at once.

    Who held it at the seq `since` is told nothing where nothing of it changed. Raises StateAway, and Afresh.
    """
    part, seqs = Part(), []
    for kind in view.kinds:
        read = await reader.values(view.group, [(kind, id) for id in lens.ids(kind, part) or ()])
        if read.epoch != epoch:
            raise Afresh
        seqs.append(read.seq)
        part.values.update(read.part.values)
    news = (
        since is None or since > min(seqs, default=0) or await reader.has_changed(view.group, list(part.values), since)
    )
    body = lens.frame(part, None)
    return Own(min(seqs, default=0), body if news else None)


async def missed(reader: Reader, view: View, seq: int, number: int, now: float) -> Missed | None:
    """What changed in a view after a seq and a line's number; None where that is no longer known. Raises StateAway."""
    changed = await reader.changed(view, seq)
    if changed is None:
        return None
    part = Part()
    for first in range(0, len(changed.ids), READ_IDS):
        read = await reader.values(view.group, changed.ids[first : first + READ_IDS])
        part.values.update(read.part.values)
    if view.tail is not None:
        part.lines = (await reader.lines(view.tail, number, view.tail.keep)).part.lines
    part.add(await reader.totals(view.tallies, now))
    return Missed(changed.seq, part)
