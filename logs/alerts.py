"""When a rule of an alert is met: judged from exact counts, for as long as they are complete (pure).

Times are whole Unix seconds. A window that ends with the second `e` spans `span_s` seconds up to and with `e`. Every
window that ended since the rule was last judged counts, so that nothing is overlooked while nobody judged.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

from logs.levels import SEVERITY
from logs.window import MAX_SERVICES, MINUTES, SECONDS, split_field
from realtime.api import Tally

MANY, SILENCE = "many", "silence"
LEAST_S, MOST_S = 10, 43_200
"""Counts by the minute are kept for a day: a rule of half a day can be judged for half a day past."""
BY_SECOND_S = 600
"""Up to so many seconds a rule is judged by the second, beyond by the minute."""


class Rule(NamedTuple):
    """At least `lines` lines of `level` or worse within `span_s` (MANY), or no line at all for `span_s` (SILENCE).

    `service` is one, or "" for all of them together.
    """

    kind: str
    service: str
    level: str
    lines: int
    span_s: int

    @property
    def tally(self) -> Tally:
        return SECONDS if self.span_s <= BY_SECOND_S else MINUTES

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that count: any line breaks a silence."""
        least = 0 if self.kind == SILENCE else SEVERITY[self.level]
        return tuple(level for level, severity in SEVERITY.items() if severity >= least)


class Known(NamedTuple):
    """What can be relied upon: counts are complete from `since` (None: nobody knows), and up to `until`.

    `until` is None while nobody vouches for them, for the reason `why`; they are then too low rather than too high.
    """

    now: int
    since: int | None
    until: int | None
    why: str = ""
    services: Sequence[str] = ()


class State(Enum):
    FIRES = "fires"
    CALM = "calm"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """How a rule stands. `lines` is the largest number that was found, or that of the present window.

    `at` is the end of the last window that met the rule. `why` says what is not known; empty: there is no news.
    """

    state: State
    lines: int = 0
    at: int = 0
    why: str = ""


class _Counted:
    """Lines by bucket, summed over any range of buckets."""

    def __init__(self, buckets: Mapping[int, int]) -> None:
        self._starts = sorted(buckets)
        self._sums = [0, *accumulate(buckets[start] for start in self._starts)]

    def between(self, first: int, last: int) -> int:
        """The lines of the buckets that begin from `first` to `last`."""
        return self._sums[bisect_right(self._starts, last)] - self._sums[bisect_left(self._starts, first)]

    @property
    def newest(self) -> int:
        return self._starts[-1] if self._starts else 0


def earliest(rule: Rule, known: Known, looked: int | None) -> int:
    """The first second whose counts `judge` asks for."""
    end = _first_end(rule, known, looked)
    return min(end, known.until or end) - rule.span_s - rule.tally.bucket


def counted(rule: Rule, totals: Mapping[tuple[Tally, int, str], int]) -> dict[int, int]:
    """The lines that count for a rule, by bucket."""
    levels, found = rule.levels, dict[int, int]()
    for (tally, bucket, field), total in totals.items():
        if tally == rule.tally:
            level, service = split_field(field)
            if level in levels and rule.service in ("", service):
                found[bucket] = found.get(bucket, 0) + total
    return found


def judge(rule: Rule, buckets: Mapping[int, int], known: Known, looked: int | None) -> Verdict:
    """How a rule stands; `looked` is the second up to which it was judged before (None: never)."""
    if rule.service and rule.service not in known.services and len(known.services) >= MAX_SERVICES:
        return Verdict(State.UNKNOWN, why=f"{rule.service} is counted together with others: more than {MAX_SERVICES}")
    if known.since is None:
        return Verdict(State.UNKNOWN, why="nobody knows from when on the counts are complete")
    judged = _judge_many if rule.kind == MANY else _judge_silence
    return judged(rule, _Counted(buckets), known, max(known.since, known.now - rule.tally.keep), looked)


def _judge_many(rule: Rule, lines: _Counted, known: Known, since: int, looked: int | None) -> Verdict:
    """Buckets that lie only partly within a window do not count: what is found was there within the span."""
    width, now = rule.tally.bucket, max(known.now, lines.newest)  # the broker's clock may be ahead of ours

    def within(end: int) -> int:
        return lines.between(-(-(end + 1 - rule.span_s) // width) * width, end)

    met = [(end, n) for end, n in _windows(rule, known, since, looked, now, within) if n >= rule.lines]
    if met:
        return Verdict(State.FIRES, max(n for _, n in met), met[-1][0])
    return _not_met(rule, known, since, within(now))


def _judge_silence(rule: Rule, lines: _Counted, known: Known, since: int, looked: int | None) -> Verdict:
    """Buckets that lie only partly within a window count: a silence is one for the whole of the span."""
    tally = rule.tally

    def within(end: int) -> int:
        return lines.between(tally.bucket_of((end + 1 - rule.span_s) * 1000), end)

    if known.until is not None:
        if looked is not None and known.until <= looked:
            return Verdict(State.UNKNOWN)
        silent = [end for end, n in _windows(rule, known, since, looked, known.until, within) if n == 0]
        if silent:
            return Verdict(State.FIRES, 0, silent[-1])
        return _not_met(rule, known, since, within(known.until))
    recent = lines.between(known.now + 1 - rule.span_s + tally.bucket, max(known.now, lines.newest))
    return Verdict(State.CALM, recent) if recent else _not_met(rule, known, since, 0)


def _windows(
    rule: Rule, known: Known, since: int, looked: int | None, until: int, within: Callable[[int], int]
) -> Iterator[tuple[int, int]]:
    """The windows that ended since the rule was last judged, and whose counts are complete, with their lines."""
    first = min(_first_end(rule, known, looked), until)
    width = rule.tally.bucket
    for end in sorted({*range(first + (-first - 1) % width, until + 1, width), until}):
        if end + 1 - rule.span_s >= since:
            yield end, within(end)


def _first_end(rule: Rule, known: Known, looked: int | None) -> int:
    if looked is None:
        return known.now
    return min(known.now, max(looked + 1, known.now - rule.tally.keep + rule.span_s))


def _not_met(rule: Rule, known: Known, since: int, count: int) -> Verdict:
    end = known.now if known.until is None else known.until
    if end + 1 - rule.span_s < since:
        said = datetime.fromtimestamp(since, UTC).strftime("%H:%M:%S")
        return Verdict(State.UNKNOWN, count, why=f"counts are complete only since {said} UTC")
    if known.until is None:
        return Verdict(State.UNKNOWN, count, why=known.why)
    return Verdict(State.CALM, count)
