"""The stream machine in the admin: the outbox and the dead letters, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from realtime.models import DeadLetter, Outbox


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only processes write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Outbox)
class OutboxAdmin(ReadOnly):
    list_display = ("id", "topic", "key", "text", "created_at", "sent_at")
    list_filter = ("topic", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("key", "event_id")
    fields = ("topic", "key", "text", "event_id", "created_at", "sent_at")

    @admin.display(description="value")
    def text(self, row: Outbox) -> str:
        return preview(row.value)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
    list_display = ("received_at", "reason", "topic", "partition", "offset", "text")
    list_filter = ("topic",)
    search_fields = ("reason",)
    fields = ("topic", "life", "partition", "offset", "timestamp", "reason", "text", "received_at")

    @admin.display(description="value")
    def text(self, row: DeadLetter) -> str:
        return preview(row.value)


def preview(value: Any, width: int = 200) -> str:
    """The beginning of a value as text."""
    text = bytes(value or b"")[: 4 * width].decode("utf-8", "replace")
    return text[:width] + ("…" if len(text) > width else "")
