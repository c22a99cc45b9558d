"""The judge: compares Redis, the database and every viewer with the truth, field by field, and notes what it saw."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.faults.ground import Failed, Ground, until
from tests.faults.load import Load
from tests.faults.truth import staff_order, staff_place
from tests.faults.viewers import Page

STREAM_S, VIEWERS_S, ARCHIVE_S = 60.0, 5.0, 300.0
ARCHIVED = {"WARN": 13, "ERROR": 17}
"""Levels that the database keeps, as its numbers."""
TIMELINE_KEEP = 50
"""So many events of an order stand in Redis; the database has all."""
NOT_SAME = 3
"""Examples of a difference that are printed."""


class Findings:
    """What a row measured, to be printed, and which of it must not be."""

    patience = 1.0
    """How many times as long as promised things may take: the promises are for a machine of our own."""

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.problems: list[str] = []
        self.untested: list[str] = []
        """What would have shown that the fault was one, and did not happen: the row tells nothing."""

    def say(self, text: str) -> None:
        self.measured.append(text)

    def equal(self, what: str, value: Any, want: Any) -> None:
        self.say(f"{what} {value}" if value == want else f"{what} {value} (not {want})")
        if value != want:
            self.problems.append(f"{what}: {value}, not {want}")

    def none(self, what: str, value: int, of: int | None = None) -> None:
        """Something that must not have happened."""
        self.say(f"{what} {value}" + (f" of {of:,}" if of is not None else ""))
        if value:
            self.problems.append(f"{what}: {value}")

    def real(self, what: str, value: int) -> None:
        """What shows that the fault was one: it must have happened."""
        self.say(f"{what} {value:,}")
        if value <= 0:
            self.untested.append(f"{what}: {value}, so that nothing was tested")

    def within(self, what: str, seconds: float, limit_s: float) -> None:
        self.say(f"{what} {seconds:.1f} s")
        if seconds > limit_s * self.patience:
            self.problems.append(f"{what}: {seconds:.1f} s, more than {limit_s * self.patience:g} s")


def settle(
    ground: Ground,
    found: Findings,
    *,
    stream_s: float = STREAM_S,
    viewers_s: float = VIEWERS_S,
    archive_s: float = ARCHIVE_S,
    each_event: bool = True,
) -> None:
    """Waits for the load to arrive everywhere, and compares.

    `each_event`: every event must show once in timelines and event rows, which repeats and deletions would not.
    """
    load = ground.load
    load.finish()
    found.none("unacknowledged", load.unacknowledged)
    until("Redis has applied all of the stream", lambda: ground.reached(ground.applied(), load.ends), stream_s)
    reached = time.monotonic()
    _compare_viewers(ground, found, reached, viewers_s)
    _compare_redis(ground, found, each_event)
    until("the archive has applied all of the stream", lambda: ground.reached(ground.archived(), load.ends), archive_s)
    _compare_database(ground, found, each_event)


# --- Redis ------------------------------------------------------------------------------------------------------------


def _compare_redis(ground: Ground, found: Findings, each_event: bool) -> None:
    truth, load = ground.truth, ground.load
    wrong = differing(truth.values(), held(ground, "order:", list(truth.orders)))
    wrong += differing(truth.places(), placed(held(ground, "location:", list(truth.positions))))
    _tell(found, "Redis", wrong)
    if each_event:
        shown, due = timeline_numbers(ground), newest(load)
        found.none("lost in Redis", len(due - shown.keys()), len(due))
        found.none("twice in Redis", sum(shown[number] > 1 for number in load.numbers))
    _exact(found, "log counts in Redis", log_counts(ground, services(ground)), load.lines)


def held(ground: Ground, prefix: str, ids: list[str]) -> dict[str, Any]:
    values = ground.redis.mget([prefix + id for id in ids]) if ids else []
    return {id: json.loads(value) for id, value in zip(ids, values, strict=True) if value is not None}


def placed(positions: dict[str, Any]) -> dict[str, Any]:
    """Of positions, what a fix says of them; how it was judged is not for us."""
    return {name: staff_place(value) | {"stamp": value["stamp"]} for name, value in positions.items()}


def differing(want: dict[str, Any], have: dict[str, Any]) -> list[str]:
    """What differs, in words."""
    wrong = [f"{id}: nothing, not {value}" for id, value in want.items() if id not in have]
    return wrong + [f"{id}: {have[id]}, not {value}" for id, value in want.items() if id in have and have[id] != value]


def newest(load: Load) -> set[int]:
    """The events of this row that timelines hold: each order's newest TIMELINE_KEEP."""
    by_order: dict[str, list[int]] = {}
    for number in sorted(load.numbers, key=lambda number: load.time_of[str(number)]):
        by_order.setdefault(load.numbers[number], []).append(number)
    return {number for numbers in by_order.values() for number in numbers[-TIMELINE_KEEP:]}


def timeline_numbers(ground: Ground) -> Counter[int]:
    """How often each event's number stands in the timelines."""
    pipe = ground.redis.pipeline(transaction=False)
    for order_id in ground.truth.orders:
        pipe.zrange(f"timeline:{order_id}", 0, -1)
    members = [json.loads(member) for line in pipe.execute() for member in line]
    return Counter(int(member["note"]) for member in members if str(member.get("note", "")).isdecimal())


def services(ground: Ground) -> set[str]:
    return {service for service, _ in ground.load.lines}


def log_counts(ground: Ground, wanted: set[str]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for key in ground.redis.scan_iter("logs:counts:s:*", count=1000):
        for field, n in ground.redis.hgetall(key).items():
            _, level, service = field.decode().split("|", 2)
            if service in wanted:
                counts[service, level] += int(n)
    return counts


def _exact(found: Findings, what: str, have: Counter[tuple[str, str]], want: Counter[tuple[str, str]]) -> None:
    if have == want:
        found.say(f"{what} exact ({want.total():,})")
        return
    off = {at: (have[at], n) for at, n in want.items() if have[at] != n}
    found.say(f"{what} {have.total():,} of {want.total():,}")
    found.problems.append(
        f"{what}: {have.total()} of {want.total()}; have and want: {dict(list(off.items())[:NOT_SAME])}"
    )


def _tell(found: Findings, where: str, wrong: list[str]) -> None:
    if wrong:
        found.problems.append(f"{where} differs in {len(wrong)}: {'; '.join(wrong[:NOT_SAME])[:600]}")
    found.say(f"{where} differs in {len(wrong)}")


# --- viewers ----------------------------------------------------------------------------------------------------------


def _compare_viewers(ground: Ground, found: Findings, since: float, limit_s: float) -> None:
    """Waits until every viewer shows the truth; how long it took counts from `since`."""
    orders = {id: staff_order(value) for id, value in ground.truth.values().items() if not value.get("deleted")}
    want = orders | {name: staff_place(value) for name, value in ground.truth.places().items()}
    lines, names = ground.load.lines, services(ground)

    def wrong(pages: list[Page]) -> Iterator[str]:
        same: dict[int, bool] = {}
        for number, page in enumerate(pages):
            if page.view == "orders":
                yield from _items_wrong(f"viewer {number}", page, want, same)
            elif names and page.counted(names) != lines:
                yield f"viewer {number} counts {page.counted(names).total()} lines of {lines.total()}"

    try:
        until(
            "all viewers show the truth",
            lambda: ground.crowd.look(lambda p: not any(wrong(p))),
            limit_s * found.patience + 20,
            0.2,
        )
    except Failed:
        found.problems.append("; ".join(ground.crowd.look(lambda pages: list(islice(wrong(pages), NOT_SAME))))[:600])
    found.within("viewers equal after", time.monotonic() - since, limit_s)
    found.none("regressed", ground.crowd.total("regressed"))
    whole, partial = ground.crowd.look(lambda pages: lines_seen(pages, names, lines.total()))
    if whole + partial:
        found.say(f"lines complete at {whole} viewers without a new snapshot")
        if partial:
            found.problems.append(f"lines are missing or doubled, untold, at {partial} viewers")


def _items_wrong(name: str, page: Page, want: dict[str, Any], same: dict[int, bool]) -> Iterator[str]:
    """What a page shows that is not so, in words; equal items of other pages are the same objects."""
    for id, value in want.items():
        item = page.items.get(id)
        if item is None:
            yield f"{name} lacks {id}"
            continue
        if id_of(item) not in same:
            shown = staff_place(item) if "name" in value else staff_order(item)
            same[id_of(item)] = shown == value
        if not same[id_of(item)]:
            yield f"{name} shows {item}, not {value}"
    yield from (f"{name} shows {id}, which is deleted" for id in page.items if id not in want)


id_of = id


def lines_seen(pages: list[Page], names: set[str], total: int) -> tuple[int, int]:
    """Of the pages whose view was never begun anew: how many have each line once, or were told what they lack."""
    whole = partial = 0
    for page in pages:
        if page.view != "logs" or page.seen["snapshot"]:
            continue
        mine = {at: n for at, n in page.lines.items() if at[0] in names}
        complete = len(mine) + page.seen["hidden"] + page.seen["missed"] == total
        if complete and all(n == 1 for n in mine.values()):
            whole += 1
        else:
            partial += 1
    return whole, partial


# --- the database -----------------------------------------------------------------------------------------------------


def _compare_database(ground: Ground, found: Findings, each_event: bool) -> None:
    load = ground.load
    have = ground.ask(
        "import json; from orders import archive; from orders.models import Order, Position\n"
        "from orders.state import ORDERS; from orders.positions import COURIERS\n"
        "ids = [(ORDERS, id) for id in Order.objects.values_list('pk', flat=True)]\n"
        "ids += [(COURIERS, id) for id in Position.objects.values_list('pk', flat=True)]\n"
        "print(json.dumps({id[1]: json.loads(value) for id, value in archive.load(ids).items()}))"
    )
    truth = ground.truth
    wrong = differing(truth.values(), have)
    _tell(found, "database", wrong + differing(truth.places(), placed({id: have[id] for id in truth.positions})))
    if each_event:
        shown = _event_numbers(ground)
        found.none("lost in the database", len(load.numbers.keys() - shown.keys()))
        found.none("twice in the database", sum(shown[number] > 1 for number in load.numbers))
    counted: Counter[tuple[str, str]] = Counter()
    query = "SELECT s.service, l.level, COUNT(*) FROM logs_logline l JOIN logs_logstream s ON s.id = l.stream_id"
    for service, level, n in ground.sql(f"{query} GROUP BY s.service, l.level"):
        for name, number in ARCHIVED.items():
            if number == level and service in services(ground):
                counted[service, name] += n
    want = Counter({at: n for at, n in load.lines.items() if at[1] in ARCHIVED})
    _exact(found, "log rows", counted, want)


def _event_numbers(ground: Ground) -> Counter[int]:
    """How often each event's number stands in the event rows."""
    first = min((ground.load.time_of[str(number)] for number in ground.load.numbers), default=0)
    rows = ground.sql(f"SELECT data FROM orders_orderevent WHERE time >= {first}")
    data = [row[0] if isinstance(row[0], dict) else json.loads(row[0]) for row in rows]
    return Counter(int(said["note"]) for said in data if str(said.get("note", "")).isdecimal())
