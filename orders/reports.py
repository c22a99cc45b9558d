"""What a courier's page reports, steps and positions, looked at before it is taken (pure).

A report carries the time at which it happened and an id that the page made. Both go into the record, so that a report
that is sent twice is one event: the same `ce_id`, the same stamp.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import DecodeError, Meta, Struct, convert, json, to_builtins

from orders.events import LocationEvent, OrderEvent, decode_location, decode_order
from orders.facts import FINISHED, MAX_ID, STATUSES
from orders.state import OrderState
from orders.steps import COURIERS_STEPS, either
from realtime.api import Malformed, Record

ORDER_TOPIC, LOCATION_TOPIC = "order-updates", "location-updates"
FAILED = "Failed attempt"
MAX_REPORTS = 200
OLDEST_MS, AHEAD_MS = 7 * 86_400_000, 60_000
"""A report may be so old (a phone that was without a network), and its clock so far ahead."""
SOURCE, FIX_SOURCE = "courier page", "courier"
TAKEN = tuple(status for status in STATUSES if any(status in onward for onward in COURIERS_STEPS.values()))
"""The statuses that a courier brings an order to."""

EventId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{16,64}$")]


class Step(Struct, tag="step", tag_field="type", rename="camel", kw_only=True, forbid_unknown_fields=False):
    """An order that the courier brought to a status, in Unix ms."""

    id: EventId
    order_id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    status: str
    timestamp: int
    note: Annotated[str, Meta(max_length=1000)] = ""


class Fix(Struct, tag="fix", tag_field="type", rename="camel", kw_only=True):
    """Where the courier was, in Unix ms. Whose fix it is, the link says; `source` and `timescale` are not taken."""

    id: EventId
    lat: float
    lng: float
    timestamp: int
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    order_id: Annotated[str, Meta(max_length=MAX_ID)] | None = None


class Refused(NamedTuple):
    """A report that is not taken, and why: in words, and as a code for which the page has its own ("": none)."""

    id: str
    reason: str
    code: str = ""


class Wrong(NamedTuple):
    """What is wrong with a report."""

    reason: str
    code: str = ""


class Item(NamedTuple):
    """A report as it goes to Kafka."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Known(NamedTuple):
    """What is known of an order that a report names: its state, and since when the courier's (Unix ms; None: never)."""

    state: OrderState
    since: int | None


_body = json.Decoder(Annotated[dict[Literal["reports"], list[Any]], Meta(min_length=1)])
Report = Step | Fix


def reports_in(body: bytes) -> tuple[list[Report], list[Refused]]:
    """The reports of a body, each by itself; raises ValueError where the body is no list of them."""
    try:
        values = _body.decode(body)["reports"]
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'The body takes {{"reports": [...]}}: {error}.') from None
    if len(values) > MAX_REPORTS:
        raise ValueError(f"There are {len(values)} reports; at most {MAX_REPORTS} are taken at once.")
    good: list[Report] = []
    bad: list[Refused] = []
    for value in values:
        try:
            good.append(convert(value, Report))
        except ValueError as error:
            id = value.get("id") if isinstance(value, dict) else None
            bad.append(Refused(str(id)[:100] if id else "", str(error)))
    return good, bad


def orders_named(reports: Sequence[Report]) -> list[str]:
    """The orders whose state is needed to judge the reports."""
    return list(dict.fromkeys(report.order_id for report in reports if report.order_id))


def judge(
    reports: Sequence[Report], courier: str, page: int, known: Mapping[str, Known], now: int
) -> tuple[list[Item], list[str], list[Refused]]:
    """What is published, the ids of what is taken, and what is refused. `page` tells couriers' ids apart."""
    items: list[Item] = []
    taken: list[str] = []
    refused: list[Refused] = []
    for report in reports:
        wrong = _wrong_time(report.timestamp, now) or (_wrong_step(report, known) if isinstance(report, Step) else None)
        item = wrong or _item(report, courier, page, known, now)
        if isinstance(item, Item):
            items.append(item)
            taken.append(report.id)
        else:
            refused.append(Refused(report.id, *item))
    return items, taken, refused


def _wrong_time(time: int, now: int) -> Wrong | None:
    if time > now + AHEAD_MS:
        return Wrong("It lies in the future: set the clock of this device.", "future")
    return Wrong("It is older than a week.", "old") if time < now - OLDEST_MS else None


def _wrong_step(step: Step, known: Mapping[str, Known]) -> Wrong | None:
    """Why a step is not the courier's to report. The order of steps is not judged: what happened is merged."""
    if step.status not in TAKEN:
        return Wrong(f"A courier cannot make an order {step.status[:40]}; it takes {either(TAKEN)}.")
    if step.status == FAILED and not step.note.strip():
        return Wrong("A failed attempt takes a note that says why.")
    order = known.get(step.order_id)
    if order is None or order.since is None or order.since > step.timestamp:
        return Wrong(f"{step.order_id} is not among your orders.", "foreign")
    state = order.state
    over = state.times.get(state.status or "", state.timestamp) if state.status in FINISHED else None
    if state.deleted or (over is not None and over < step.timestamp):
        ended = "deleted" if state.deleted else (state.status or "").lower()
        return Wrong(f"{step.order_id} is {ended} already.", "over")
    return None


def _item(report: Report, courier: str, page: int, known: Mapping[str, Known], now: int) -> Item | Wrong:
    """The record of a report, as the worker will read it; or what is wrong with it."""
    said: dict[str, Any] = {name: value for name, value in to_builtins(report).items() if value not in (None, "")}
    ours = {"id", "type"}
    headers = (("ce_id", f"courier-{page}-{report.id}".encode()),)
    if isinstance(report, Step):
        value = {**said, "by": courier, "source": SOURCE}
        item = Item(ORDER_TOPIC, report.order_id, json.encode(without(value, ours)), headers)
        event: list[OrderEvent] | list[LocationEvent] | Malformed = decode_order(_record(item, now))
    else:
        order = known.get(report.order_id or "")
        own = order is not None and order.since is not None
        value = {**said, "name": courier, "source": FIX_SOURCE}
        item = Item(LOCATION_TOPIC, courier, json.encode(without(value, ours if own else ours | {"orderId"})), headers)
        event = decode_location(_record(item, now))
    return Wrong(str(event)) if isinstance(event, Malformed) else item


def without(value: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: what for name, what in value.items() if name not in names}


def _record(item: Item, now: int) -> Record:
    return Record(item.topic, "", 0, 0, now, item.key.encode(), item.value, item.headers)
