"""Writes orders and positions to the database, by the same merge as Redis's, and reads them back for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from orders import positions, state, trails, webhooks, whereabouts
from orders.events import LocationEvent, OrderEvent
from orders.facts import FINISHED, NAMES, plain
from orders.filters import was_there
from orders.models import Order, Position, TrackingLink, milliseconds
from orders.models import OrderEvent as EventRow
from orders.positions import COURIERS
from orders.state import ORDERS, TIMELINE, TIMELINE_KEEP, TOLD
from orders.thinning import Passed
from orders.tuning import keep_ms, rules
from realtime.api import Change, Id, Stamp

CHUNK = 500
"""How many rows a query names: below every database's limit on parameters."""

Row = TypeVar("Row", bound=models.Model)


def archive_orders(events: Sequence[OrderEvent]) -> None:
    """Merges events into their rows and keeps each one, inside the caller's transaction."""
    rows = _held(Order, {event.order_id for event in events})
    states = {order_id: row.state() for order_id, row in rows.items()}
    before = {order_id: held.wiped for order_id, held in states.items()}
    changes: list[webhooks.Changed] = []
    for event in events:
        held = states[event.order_id]
        was = held.status
        state.apply(held, event.facts, event.stamp)
        changes += status_change(event, was, held)
    webhooks.announce(changes)
    for order_id, row in rows.items():
        row.take(states[order_id])
    _write(Order, rows.values())
    wiped = {order_id: held.wiped for order_id, held in states.items() if held.wiped is not None}
    scrub({order_id: stamp for order_id, stamp in wiped.items() if stamp != before[order_id]})
    made = [event_row(event, wiped.get(event.order_id)) for event in events]
    EventRow.objects.bulk_create(made, ignore_conflicts=True, batch_size=CHUNK)


def status_change(event: OrderEvent, was: str | None, held: state.OrderState) -> list[webhooks.Changed]:
    """What an event changed of its order's status: one change or none."""
    if held.deleted or held.status is None or held.status == was:
        return []
    return [webhooks.Changed(event.id, event.order_id, held.status, was, event.stamp.time, held.courier)]


def archive_positions(events: Sequence[LocationEvent]) -> None:
    """Folds fixes into each name's last position, and adds to its trail, inside the caller's transaction."""
    fixes, judged_by = positions.by_name(events), rules()
    rows = _held(Position, set(fixes), lat=0, lng=0)
    passed: dict[str, list[Passed]] = {}
    for name, row in rows.items():
        last = row.state() if row.stamp else None
        for fix in fixes[name]:
            if time := was_there(last, fix, judged_by):
                point = Passed(time, fix.lat, fix.lng, fix.speed, fix.heading, fix.order_id or "")
                passed.setdefault(name, []).append(point)
            last = positions.fold(last, fix, judged_by)
        if last is not None:
            row.take(last)
    _write(Position, rows.values())
    trails.keep(passed)


def event_row(event: OrderEvent, wiped: Stamp | None) -> EventRow:
    """The row of an event. What a deletion wiped is kept as a time and a status, without personal data."""
    facts = event.facts
    said = plain(facts)
    if wiped is not None and event.stamp <= wiped:
        said = _bare(said)
    return EventRow(
        event_id=event.id, order_id=event.order_id, time=event.stamp.time, status=said.get("status") or "",
        note=said.get("note") or "", by=event.by, source=event.source, topic=event.topic,
        partition=event.stamp.partition, offset=event.stamp.offset, data=said,
    )  # fmt: skip


def scrub(wiped: Mapping[str, Stamp]) -> None:
    """Takes personal data out of the events of deleted orders, and revokes their links."""
    for order_id, stamp in wiped.items():
        old = list(EventRow.objects.filter(order_id=order_id, time__lte=stamp.time))
        for row in old:
            row.data, row.note = _bare(row.data), ""
        EventRow.objects.bulk_update(old, ["data", "note"], batch_size=CHUNK)
    links = TrackingLink.objects.filter(order_id__in=list(wiped), revoked_at=None)
    links.update(revoked_at=timezone.now())


def load(ids: Sequence[Id]) -> dict[Id, bytes]:
    """What the database holds of these orders and positions, as Redis would."""
    found: dict[Id, bytes] = {}
    for names in chunks([name for kind, name in ids if kind == ORDERS]):
        for order in Order.objects.filter(pk__in=names):
            found[ORDERS, order.pk] = state.encode(order.state())
    for names in chunks([name for kind, name in ids if kind == COURIERS]):
        for position in Position.objects.filter(pk__in=names):
            found[COURIERS, position.pk] = whereabouts.encode(position.state())
    return found


def restore_orders() -> Iterator[Change]:
    """Open orders, and those that were finished or deleted within the keep time, with their timelines."""
    since = milliseconds(timezone.now()) - keep_ms()
    over = Q(deleted=True) | Q(status__in=FINISHED)
    for orders in chunks(Order.objects.filter(~over | Q(timestamp__gte=since)).order_by("pk").iterator(CHUNK)):
        change = Change()
        for order in orders:
            change.puts[ORDERS, order.pk] = state.put(order.state(), keep_ms())
        wiped = {order.pk: Stamp(*order.wiped) for order in orders if order.wiped}
        for row in _newest_events([order.pk for order in orders]):
            if told := _told(row, wiped.get(row.order_id)):
                member = state.member(row.event_id, row.time, told, row.by, row.source)
                change.note(TIMELINE + row.order_id, member, row.time, TIMELINE_KEEP)
        yield change


def restore_positions() -> Iterator[Change]:
    """The last position of every name."""
    for rows in chunks(Position.objects.order_by("pk").iterator(CHUNK)):
        change = Change()
        for row in rows:
            change.put(COURIERS, row.pk, whereabouts.encode(row.state()), row.timestamp)
        yield change


Item = TypeVar("Item")


def chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _held(model: type[Row], ids: set[str], **blank: Any) -> dict[str, Row]:
    """The rows of these ids, locked in the order of their ids so that two transactions cannot lock each other out.

    A row that is missing is made first, so that it can be locked: two workers may meet the same new order.
    """
    rows: dict[str, Row] = {}
    for part in chunks(sorted(ids)):
        held = _locked(model, part)
        missing = [id for id in part if id not in held]
        if missing:
            model._default_manager.bulk_create([model(pk=id, **blank) for id in missing], ignore_conflicts=True)
            held |= _locked(model, missing)
        rows |= held
    return rows


def _locked(model: type[Row], ids: Sequence[str]) -> dict[str, Row]:
    rows = model._default_manager.filter(pk__in=ids).order_by("pk").select_for_update()
    return {row.pk: row for row in rows}


def _write(model: type[Row], rows: Iterable[Row]) -> None:
    """Updates locked rows as one upsert, which is far quicker than Django's `bulk_update`."""
    pk = model._meta.pk
    written = [field for field in model._meta.concrete_fields if not getattr(field, "auto_now_add", False)]
    fields = [field.name for field in written if field is not pk]
    model._default_manager.bulk_create(
        list(rows), update_conflicts=True, unique_fields=[pk.name], update_fields=fields, batch_size=CHUNK
    )


def _newest_events(order_ids: Sequence[str]) -> Iterable[EventRow]:
    """The events of each of these orders that its timeline holds."""
    number = Window(RowNumber(), partition_by=F("order_id"), order_by=[F("time").desc(), F("id").desc()])
    rows = EventRow.objects.filter(order_id__in=order_ids).annotate(number=number)
    return rows.filter(number__lte=TIMELINE_KEEP).order_by("time", "id")


def _told(row: EventRow, wiped: Stamp | None) -> dict[str, Any]:
    """What the timeline says of an event; of those that a deletion wiped, nothing but the deletion."""
    if wiped is not None and row.time <= wiped.time:
        return {"deleted": True} if row.time == wiped.time and row.data.get("deleted") else {}
    return {name: row.data[name] for name in (NAMES[field] for field in TOLD) if name in row.data}


def _bare(said: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event's facts is no personal data."""
    return {name: said[name] for name in ("status", "deleted") if name in said}
