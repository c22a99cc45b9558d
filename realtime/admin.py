"""The stream machine in the admin: ingest keys to make and revoke, the outbox and the dead letters to look at."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from realtime import ingestkeys
from realtime.models import DeadLetter, IngestKey, Outbox


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


class IngestKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(scope, f"{scope}: {text}") for scope, text in settings.INGEST_SCOPES.items()],
        help_text="What the key is good for.",
    )

    class Meta:
        model = IngestKey
        fields = ("name", "scopes", "bound_to")


@admin.register(IngestKey)
class IngestKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The key itself is on the page that answers its making, and nowhere else."""

    form = IngestKeyForm
    list_display = ("name", "prefix", "good_for", "bound_to", "created_at", "used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "bound_to")
    readonly_fields = ("prefix", "created_at", "used_at", "revoked_at")
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: IngestKey | None = None) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    @admin.display(description="scopes")
    def good_for(self, key: IngestKey) -> str:
        return ", ".join(key.scopes)

    @admin.action(description="Revoke the chosen keys: they stop working at once, for good", permissions=["change"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[IngestKey]) -> None:
        count = chosen.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} {'key' if count == 1 else 'keys'} revoked.")

    @sensitive_variables("text")
    def save_model(self, request: HttpRequest, obj: IngestKey, form: Any, change: bool) -> None:
        if change:
            return super().save_model(request, obj, form, change)
        text = ingestkeys.issue(obj)
        # Only as long as this object lives: no session, cookie or log holds it.
        obj.shown_once = text  # type: ignore[attr-defined]
        return None

    def response_add(self, request: HttpRequest, obj: IngestKey, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Ingest key",
            "opts": self.opts,
            "key": obj,
            "text": obj.shown_once,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/realtime/ingestkey/issued.html", context)


def preview(value: Any, width: int = 200) -> str:
    """The beginning of a value as text."""
    text = bytes(value or b"")[: 4 * width].decode("utf-8", "replace")
    return text[:width] + ("…" if len(text) > width else "")
