"""What a viewer of the logs sees: the lines that its filter lets through, as they are held; counts, the services."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec

from logs import window
from logs.filters import LogFilter
from realtime.api import Id, Kind, Lens, Line, Part, Tally

SINCE: Id = (window.SINCE, window.SINCE.ids[0])
LEVEL, URGENT = b'"level":"', (b'ERROR"', b'FATAL"')
SERVICES: Id = (window.SERVICES, window.SERVICES.ids[0])


class LogsLens(Lens):
    """The sight of everyone who may see the log page and asked for the same lines.

    Counts follow the services and levels of the filter, not its text.
    """

    def __init__(self, filter: LogFilter = LogFilter(), hidden: frozenset[str] = frozenset()) -> None:  # noqa: B008
        """`hidden`: services of which this viewer may see nothing, be it a line, a count or the name."""
        self.filter, self.hidden = filter, hidden
        self.share: Hashable = ("logs", hidden, *filter)
        self._matches = filter.matcher(hidden)

    def ids(self, kind: Kind, sofar: Part) -> Sequence[str] | None:
        return kind.ids

    @property
    def sees_all_lines(self) -> bool:
        return self.filter.is_open and not self.hidden

    def lines(self, lines: Sequence[Line]) -> Sequence[Line]:
        return lines if self.sees_all_lines else [line for line in lines if self._matches(line.data)]

    def urgent(self, line: Line) -> bool:
        """ERROR and above, told by the bytes: before a line's level stand only its id and its time."""
        return line.data.startswith(URGENT, line.data.find(LEVEL) + len(LEVEL))

    def frame(self, part: Part, held: int | None) -> dict[str, Any] | None:
        """A snapshot has its lists even where they are empty; a delta only what changed."""
        snapshot = held is None
        body: dict[str, Any] = {
            "lines": [_numbered(line) for line in part.lines],
            "counts": self._totals(part, window.SECONDS),
            "minutes": self._totals(part, window.MINUTES),
        }
        if not snapshot:
            body = {name: items for name, items in body.items() if items}
        services = part.values.get(SERVICES)
        if services is not None:
            body["services"] = [name for name in window.read_services(services.data) if name not in self.hidden]
        since = _counts_since(part) if snapshot else None
        if since is not None:
            body["counts_since"] = since
        return body if snapshot or body else None

    def _totals(self, part: Part, tally: Tally) -> list[tuple[int, str, str, int]]:
        counts = self.filter.counts
        return [
            (bucket, service, level, total)
            for (counted, bucket, field), total in part.totals.items()
            if counted == tally
            for level, service in (window.split_field(field),)
            if service not in self.hidden and counts(level, service)
        ]


def _numbered(line: Line) -> msgspec.Raw:
    """The line's object with its number put in front of what it holds, without decoding it."""
    return msgspec.Raw(b'{"n":%d,%b' % (line.number, line.data[1:]))


def _counts_since(part: Part) -> int | None:
    """From when on counts are complete: as the state says, else the oldest bucket shown."""
    held = part.values.get(SINCE)
    if held is None:
        return None
    if held.data is not None:
        return int(msgspec.json.decode(held.data, type=float))
    oldest = min((bucket for _, bucket, _ in part.totals), default=None)
    return None if oldest is None else oldest * 1000
