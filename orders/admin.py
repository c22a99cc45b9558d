"""Staff edit orders, couriers and places here; every change goes through `services`, and so to Kafka."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from import_export.admin import ImportExportModelAdmin
from import_export.forms import ExportForm

from orders import services, webhooks_admin
from orders.courier_admin import WithCourierLink
from orders.csv_admin import CSV, BoundedImportForm, OrderResource
from orders.facts import STATUSES
from orders.forms import DESTINATION, CourierForm, OrderForm, PositionForm
from orders.link_admin import OrderActionForm, WithTrackingLink
from orders.map_admin import WithMap
from orders.models import Courier, Order, OrderEvent, Position, TrackingLink, moment
from orders.steps import StepRefused, irregular
from orders.whereabouts import PLACE
from realtime.api import count_viewers

__all__ = ["webhooks_admin"]

TIMELINE_SHOWN = 50
ADMIN = "admin"
ODD = SafeString(' <strong title="Nobody foresaw this step after the one before it.">irregular</strong>')
SET = {"customerName": "customer", "items": "items", "destination": "destination", "eta": "ETA", "due": "due"}
"""Facts that the timeline only says were set, with its words for them."""


def by(request: HttpRequest) -> str:
    return request.user.get_username()


def when(ms: int) -> str:
    return timezone.localtime(moment(ms)).strftime("%Y-%m-%d %H:%M:%S") if ms else "–"


@admin.register(Order)
class OrderAdmin(WithTrackingLink, WithMap, ImportExportModelAdmin):  # type: ignore[misc]
    """Orders that are not deleted. Only the fields that were edited are published, so that edits do not undo events."""

    resource_classes = (OrderResource,)
    formats = CSV
    import_form_class = BoundedImportForm
    export_form_class = (
        ExportForm  # all columns; the page to choose some works by inline scripts, which no page may have
    )
    form = OrderForm
    list_display = ("order_id", "status", "customer_name", "courier", "updated")
    list_filter = ("status", "courier")
    search_fields = ("order_id", "customer_name", "courier")
    date_hierarchy = "created_at"
    list_per_page = 50
    action_form = OrderActionForm
    actions = ("assign",)
    show_full_result_count = False
    picks = DESTINATION[1:]
    readonly_fields = ("on_the_map", "updated", "tracking", "watching", "timeline")
    fieldsets = (
        (None, {"fields": ("order_id", "status", "courier", "eta", "due", "seen")}),
        ("For the customer", {"fields": ("customer_name", "items", "public_note", DESTINATION, "on_the_map")}),
        ("For staff", {"fields": ("note", "updated", "tracking", "watching", "timeline")}),
    )

    class Media:
        css = {"all": ("orders/admin.css",)}
        js = ("orders/copy.js", Script("orders/adminlist.js", type="module"))

    @admin.action(description="Assign the courier beside", permissions=["change"])
    def assign(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        courier = request.POST.get("courier") or None
        if courier is not None and courier not in services.active_couriers():
            self.message_user(request, f"There is no active courier {courier}.", messages.ERROR)
            return
        change_each(self, request, queryset, {"courier": courier}, courier or "No one")

    @admin.display(description="updated", ordering="timestamp")
    def updated(self, order: Order) -> str:
        return when(order.timestamp)

    @admin.display(description="customer's page")
    def watching(self, order: Order) -> str:
        viewers = count_viewers("track", order.pk) if order.pk else 0
        if viewers is None:
            return "Redis does not answer: nobody knows who is watching."
        return {0: "Nobody is watching.", 1: "1 person is watching."}.get(viewers, f"{viewers} people are watching.")

    @admin.display(description="timeline")
    def timeline(self, order: Order) -> SafeString | str:
        events = list(order.events.all()[: TIMELINE_SHOWN + 1]) if order.pk else []
        odd = set(irregular((e.pk, e.reached) for e in events if e.status))
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td></tr>",
            ((when(e.time), told(e), ODD if e.pk in odd else "", e.by, e.origin) for e in events[:TIMELINE_SHOWN]),
        )
        head = "<thead><tr><th>When</th><th>What</th><th>Who</th><th>From</th></tr></thead>"
        return format_html("<table>{}<tbody>{}</tbody></table>", SafeString(head), rows) if rows else "Nothing yet."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).filter(deleted=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Order | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "order_id") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Order, form: OrderForm, change: bool) -> None:
        if change:
            saved = services.change_order(obj.pk, form.said, by(request), source=ADMIN) if form.said else obj
        else:
            said = form.facts(list(form.cleaned_data))
            saved = services.create_order(said, by(request), obj.order_id, source=ADMIN)
        obj.order_id = saved.order_id

    def delete_model(self, request: HttpRequest, obj: Order) -> None:
        services.delete_order(obj.pk, by(request), source=ADMIN)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        for order_id in sorted(queryset.values_list("pk", flat=True)):
            services.delete_order(order_id, by(request), source=ADMIN)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One action for each status; those orders that may not take the step are named and stay as they are."""
        actions = super().get_actions(request)
        if IS_POPUP_VAR not in request.GET and self.has_change_permission(request):
            for status in STATUSES:
                name = f"mark_{status.lower().replace(' ', '_')}"
                action: Callable[..., Any] = partial(mark, status)
                actions[name] = (action, name, f"Mark as {status}")
        return actions

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """A deletion leaves a tombstone and its events, so nothing else is in the way or goes with it."""
        return [str(order) for order in objs], {"orders": len(objs)}, set(), []


@admin.register(Courier)
class CourierAdmin(WithCourierLink, WithMap):
    """Couriers; a new position is published as a fix."""

    form = CourierForm
    list_display = ("name", "active", "position", "open_orders")
    list_filter = ("active",)
    search_fields = ("name",)
    fields = ("name", "active", ("lat", "lng"), "on_the_map", "refused", "courier_page")
    readonly_fields = ("on_the_map", "refused", "courier_page")

    @admin.display(description="refused fixes")
    def refused(self, courier: Courier) -> str:
        return refusals(Position.objects.filter(pk=courier.name).first())

    @admin.display(description="last position")
    def position(self, courier: Courier) -> str:
        position = Position.objects.filter(pk=courier.name).first()
        return f"{position.lat:.5f}, {position.lng:.5f} at {when(position.timestamp)}" if position else "–"

    @admin.display(description="open orders")
    def open_orders(self, courier: Courier) -> int:
        return services.open_orders(courier.name)

    def get_readonly_fields(self, request: HttpRequest, obj: Courier | None = None) -> tuple[str, ...]:
        """Orders and positions know a courier by its name."""
        return ("name", *self.readonly_fields) if obj else self.readonly_fields

    def place_of(self, row: Courier) -> tuple[float, float] | None:
        return Position.objects.filter(pk=row.name).values_list("lat", "lng").first()

    def save_model(self, request: HttpRequest, obj: Courier, form: CourierForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        lat, lng = form.cleaned_data["lat"], form.cleaned_data["lng"]
        if lat is not None and {"lat", "lng"} & set(form.changed_data):
            services.move(obj.name, lat, lng, by(request))


@admin.register(Position)
class PositionAdmin(WithMap):
    """Places, and whatever else has sent a position; the couriers' own are with the couriers."""

    form = PositionForm
    list_display = ("name", "lat", "lng", "updated", "refused_fixes")
    search_fields = ("name",)
    fields = ("name", ("lat", "lng"), "on_the_map")
    readonly_fields = ("on_the_map",)

    @admin.display(description="updated", ordering="timestamp")
    def updated(self, position: Position) -> str:
        return when(position.timestamp)

    @admin.display(description="refused fixes")
    def refused_fixes(self, position: Position) -> str:
        return refusals(position)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Position]:
        return super().get_queryset(request).exclude(name__in=Courier.objects.values("name"))

    def get_readonly_fields(self, request: HttpRequest, obj: Position | None = None) -> tuple[str, ...]:
        return ("name", *self.readonly_fields) if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Position | None = None) -> bool:
        """Kafka knows no end of a position."""
        return False

    def save_model(self, request: HttpRequest, obj: Position, form: PositionForm, change: bool) -> None:
        if form.changed_data:
            services.move(obj.name, obj.lat, obj.lng, by(request), source=PLACE)


@admin.register(TrackingLink)
class TrackingLinkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Links that were given out: when they end, and an end at once."""

    list_display = ("order", "created_at", "expires_at", "revoked_at")
    search_fields = ("order__order_id",)
    fields = ("order", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("order", "created_at")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected links")
    def revoke(self, request: HttpRequest, queryset: QuerySet[TrackingLink]) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


def mark(status: str, orders: OrderAdmin, request: HttpRequest, queryset: QuerySet[Order]) -> None:
    """The bulk action that takes orders to a status."""
    change_each(orders, request, queryset, {"status": status}, status)


def change_each(
    orders: OrderAdmin, request: HttpRequest, queryset: QuerySet[Order], said: dict[str, Any], word: str
) -> None:
    """Changes each order by itself; those that may not are named and stay as they are."""
    done = 0
    for order_id in sorted(queryset.values_list("pk", flat=True)):
        try:
            services.change_order(order_id, said, by(request), source=ADMIN)
        except (StepRefused, Order.DoesNotExist) as refused:
            orders.message_user(request, f"{order_id}: {refused}", messages.ERROR)
        else:
            done += 1
    if done:
        orders.message_user(request, f"{word}: {done}.", messages.SUCCESS)


def refusals(position: Position | None) -> str:
    """How many fixes were refused, by reason."""
    refused = position.refused if position else {}
    return ", ".join(f"{reason.replace('_', ' ')}: {count}" for reason, count in sorted(refused.items())) or "–"


def told(event: OrderEvent) -> str:
    """An event in words."""
    data = event.data
    if "deleted" in data:
        return "Deleted" if data["deleted"] else "Restored"
    parts = [event.status, event.note, data.get("publicNote")]
    if "courier" in data:
        parts.append(f"courier: {data['courier'] or 'no one'}")
    changed = [word for name, word in SET.items() if data.get(name) is not None]
    emptied = [word for name, word in SET.items() if name in data and data[name] is None]
    parts.append(f"set: {', '.join(changed)}" if changed else None)
    parts.append(f"emptied: {', '.join(emptied)}" if emptied else None)
    return " · ".join(part for part in parts if part) or "Change"
