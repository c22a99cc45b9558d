"""Staff set what is archived, and read what was."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from logs import alerts_admin as alerts_admin
from logs.access import hidden_from
from logs.models import LogLine, LogStream


@admin.register(LogStream)
class LogStreamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("service", "archive_level", "retention_days", "redact_emails", "first_seen")
    list_editable = ("archive_level", "retention_days", "redact_emails")
    list_filter = ("archive_level",)
    search_fields = ("service",)
    readonly_fields = ("first_seen",)
    filter_horizontal = ("groups",)

    def get_readonly_fields(self, request: HttpRequest, obj: LogStream | None = None) -> tuple[str, ...]:
        """A service's name is what its lines carry, so it stays as it was first seen."""
        return ("first_seen",) if obj is None else ("service", "first_seen")


@admin.register(LogLine)
class LogLineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Archived lines, to read only: they leave by their stream's retention."""

    list_display = ("timestamp", "level", "stream", "message_start")
    list_display_links = ("timestamp", "message_start")
    list_filter = ("level", ("timestamp", admin.DateFieldListFilter))
    list_select_related = ("stream",)
    search_fields = ("message", "line_id")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogLine]:
        return super().get_queryset(request).exclude(stream__service__in=hidden_from(request.user))

    @admin.display(description="message")
    def message_start(self, line: LogLine) -> str:
        return line.message[:200]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
