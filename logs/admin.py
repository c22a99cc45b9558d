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
    """Staff set what of the streams that they may see is archived and redacted; superusers set who may see one."""

    list_display = ("service", "archive_level", "retention_days", "redact_emails", "first_seen")
    list_editable = ("archive_level", "retention_days", "redact_emails")
    list_filter = ("archive_level",)
    search_fields = ("service",)
    readonly_fields = ("first_seen",)
    filter_horizontal = ("groups",)

    def get_readonly_fields(self, request: HttpRequest, obj: LogStream | None = None) -> tuple[str, ...]:
        """A service's name is what its lines carry, so it stays as it was first seen."""
        fixed = ("first_seen",) if obj is None else ("service", "first_seen")
        return fixed if request.user.is_superuser else (*fixed, "groups")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogStream]:
        return super().get_queryset(request).exclude(service__in=hidden_from(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A stream that is made by hand names a service before its first line, or tells that it is there already."""
        return request.user.is_superuser and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: LogStream | None = None) -> bool:
        """A deleted stream is made anew with its next line, and then for everybody."""
        return request.user.is_superuser and super().has_delete_permission(request, obj)


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
