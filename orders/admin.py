"""Staff edit orders, couriers and places here; every change goes through `services`, and so to Kafka."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orders import services
from orders.forms import DESTINATION, CourierForm, OrderForm, PositionForm
from orders.models import Courier, Order, OrderEvent, Position, TrackingLink, moment
from orders.positions import PLACE

TIMELINE_SHOWN = 50
SET = {"customerName": "customer", "items": "items", "destination": "destination", "eta": "ETA", "due": "due"}
"""Facts that the timeline only says were set, with its words for them."""


def by(request: HttpRequest) -> str:
    return request.user.get_username()


def when(ms: int) -> str:
    return timezone.localtime(moment(ms)).strftime("%Y-%m-%d %H:%M:%S") if ms else "–"


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Orders that are not deleted. Only the fields that were edited are published, so that edits do not undo events."""

    form = OrderForm
    list_display = ("order_id", "status", "customer_name", "courier", "updated")
    list_filter = ("status", "courier")
    search_fields = ("order_id", "customer_name", "courier")
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("updated", "tracking", "timeline")
    fieldsets = (
        (None, {"fields": ("order_id", "status", "courier", "eta", "due")}),
        ("For the customer", {"fields": ("customer_name", "items", "public_note", DESTINATION)}),
        ("For staff", {"fields": ("note", "updated", "tracking", "timeline")}),
    )

    @admin.display(description="updated", ordering="timestamp")
    def updated(self, order: Order) -> str:
        return when(order.timestamp)

    @admin.display(description="tracking link")
    def tracking(self, order: Order) -> SafeString | str:
        if not order.pk:
            return "Made once the order is saved."
        make = reverse("orders:make_link", args=[order.pk])
        link = order.links.filter(revoked_at=None).first()
        shown = reverse("orders:track", args=[link.token]) if link and link.opens() else "Make the link and open it"
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', make, shown)

    @admin.display(description="timeline")
    def timeline(self, order: Order) -> SafeString | str:
        events = order.events.all()[:TIMELINE_SHOWN] if order.pk else []
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((when(e.time), told(e), e.by or e.source) for e in events),
        )
        head = "<thead><tr><th>When</th><th>What</th><th>Who</th></tr></thead>"
        return format_html("<table>{}<tbody>{}</tbody></table>", SafeString(head), rows) if rows else "Nothing yet."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).filter(deleted=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Order | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "order_id") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Order, form: OrderForm, change: bool) -> None:
        if change:
            said = form.facts(form.changed_data)
            saved = services.change_order(obj.pk, said, by(request)) if said else obj
        else:
            saved = services.create_order(form.facts(list(form.cleaned_data)), by(request), obj.order_id)
        obj.order_id = saved.order_id

    def delete_model(self, request: HttpRequest, obj: Order) -> None:
        services.delete_order(obj.pk, by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        for order_id in sorted(queryset.values_list("pk", flat=True)):
            services.delete_order(order_id, by(request))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """A deletion leaves a tombstone and its events, so nothing else is in the way or goes with it."""
        return [str(order) for order in objs], {"orders": len(objs)}, set(), []


@admin.register(Courier)
class CourierAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Couriers; a new position is published as a fix."""

    form = CourierForm
    list_display = ("name", "active", "position", "open_orders")
    list_filter = ("active",)
    search_fields = ("name",)
    fields = ("name", "active", ("lat", "lng"))

    @admin.display(description="last position")
    def position(self, courier: Courier) -> str:
        position = Position.objects.filter(pk=courier.name).first()
        return f"{position.lat:.5f}, {position.lng:.5f} at {when(position.timestamp)}" if position else "–"

    @admin.display(description="open orders")
    def open_orders(self, courier: Courier) -> int:
        return services.open_orders(courier.name)

    def get_readonly_fields(self, request: HttpRequest, obj: Courier | None = None) -> tuple[str, ...]:
        """Orders and positions know a courier by its name."""
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Courier, form: CourierForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        lat, lng = form.cleaned_data["lat"], form.cleaned_data["lng"]
        if lat is not None and {"lat", "lng"} & set(form.changed_data):
            services.move(obj.name, lat, lng, by(request))


@admin.register(Position)
class PositionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Places, and whatever else has sent a position; the couriers' own are with the couriers."""

    form = PositionForm
    list_display = ("name", "lat", "lng", "updated")
    search_fields = ("name",)

    @admin.display(description="updated", ordering="timestamp")
    def updated(self, position: Position) -> str:
        return when(position.timestamp)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Position]:
        return super().get_queryset(request).exclude(name__in=Courier.objects.values("name"))

    def get_readonly_fields(self, request: HttpRequest, obj: Position | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

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
