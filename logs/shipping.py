"""Reads the lines to ship: a stream to its end, or a file that grows, is rotated or truncated."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

MAX_LINE_BYTES = 1024 * 1024
"""What a record of `service-logs` may hold; a longer one would be refused as too large."""

PIECE_BYTES = 64 * 1024


class Line(NamedTuple):
    """A line without its line end; None where it is too long. Every line has a number, blank ones too."""

    number: int
    value: bytes | None


class Cutter:
    """Puts pieces of a stream together into lines; one that is too long is passed over, and never held."""

    def __init__(self) -> None:
        self.number = 0
        self._held = bytearray()
        self._too_long = False

    def feed(self, piece: bytes) -> Line | None:
        """Takes a piece that ends at a line end or before one; the line, where it is complete."""
        if not self._too_long:
            self._held += piece
            if len(self._held.rstrip(b"\r\n")) > MAX_LINE_BYTES:
                self._too_long = True
                self._held.clear()
        return self._cut() if piece.endswith(b"\n") else None

    def finish(self) -> Line | None:
        """The last line, where it has no line end."""
        return self._cut() if self._held or self._too_long else None

    def _cut(self) -> Line:
        self.number += 1
        value = None if self._too_long else bytes(self._held.rstrip(b"\r\n"))
        self._held.clear()
        self._too_long = False
        return Line(self.number, value)


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """Every line to the stream's end, also one without a line end."""
    cutter = Cutter()
    while piece := stream.readline(PIECE_BYTES):
        line = cutter.feed(piece)
        if line:
            yield line
    last = cutter.finish()
    if last:
        yield last


class FollowedFile:
    """A file that others write to. `poll` gives the lines that are new; it neither waits nor ends.

    A line without its end is kept until the rest of it comes. When another file has taken over the name, the
    old one is read until QUIET_POLLS found nothing more in it, since its writer may still be at work. A file that
    became shorter than what was read starts again from its beginning.
    """

    QUIET_POLLS = 4

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._cutter = Cutter()
        self._quiet = 0

    def poll(self) -> Iterator[Line]:
        before = self._cutter.number
        yield from self._rest()
        if self._is_truncated():
            yield from self._finish()
            self._file.seek(0)
            yield from self._rest()
        is_quiet = self._cutter.number == before
        self._quiet = self._quiet + 1 if is_quiet and self._is_replaced() else 0
        if self._quiet >= self.QUIET_POLLS:
            yield from self._finish()
            self._reopen()
            yield from self._rest()

    def finish(self) -> Iterator[Line]:
        """What is left when nobody follows any longer: the line that was being written."""
        yield from self._finish()
        self._file.close()

    def _rest(self) -> Iterator[Line]:
        while piece := self._file.readline(PIECE_BYTES):
            line = self._cutter.feed(piece)
            if line:
                yield line

    def _finish(self) -> Iterator[Line]:
        last = self._cutter.finish()
        if last:
            yield last

    def _is_truncated(self) -> bool:
        return os.fstat(self._file.fileno()).st_size < self._file.tell()

    def _is_replaced(self) -> bool:
        """Whether the name stands for another file by now; while there is none the old one is followed on."""
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def _reopen(self) -> None:
        try:
            newer = self._path.open("rb")
        except OSError:
            return  # gone again, or not ours to read yet: the next poll looks anew
        self._file.close()
        self._file = newer
