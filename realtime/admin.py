"""The stream machine in the admin: ingest keys to make and revoke, dead letters to replay or discard, the outbox."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from realtime import ingestkeys, relay, replay
from realtime.deadletters import unpack_headers
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
    list_display = ("id", "topic", "key", "text", "created_at", "sent_at", "parked_at")
    list_filter = ("topic", ("sent_at", admin.EmptyFieldListFilter), ("parked_at", admin.EmptyFieldListFilter))
    search_fields = ("key", "event_id")
    fields = ("topic", "key", "text", "event_id", "created_at", "sent_at", "parked_at", "problem")
    actions = ("release",)

    def has_release_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("realtime.change_outbox"))

    @admin.action(description="Send again: what was parked for want of a topic", permissions=["release"])
    def release(self, request: HttpRequest, rows: QuerySet[Outbox]) -> None:
        self.message_user(request, f"To be sent again: {relay.release(rows)}.", messages.SUCCESS)

    @admin.display(description="value")
    def text(self, row: Outbox) -> str:
        return preview(row.value)


class StateFilter(admin.SimpleListFilter):
    """Dead letters by what was done with them; those that wait for somebody unless asked otherwise."""

    title, parameter_name = "state", "state"
    ALL = "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*DeadLetter.State.choices, (self.ALL, "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        return queryset if self.chosen() == self.ALL else queryset.filter(state=self.chosen())

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, label in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.chosen() == value, "query_string": query, "display": label}

    def chosen(self) -> str:
        value = self.value()
        return value if value in {*DeadLetter.State.values, self.ALL} else DeadLetter.State.OPEN.value


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
    list_display = ("received_at", "reason", "topic", "partition", "offset", "text", "state")
    list_filter = (StateFilter, "topic")
    search_fields = ("reason",)
    fields = ("topic", "life", "partition", "offset", "timestamp", "reason", "key_text", "text", "headers_text",
              "received_at", "state", "settled_by", "settled_at")  # fmt: skip
    actions = ("replay", "discard")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """The right to change dead letters is the right to replay and discard them; nobody edits one."""
        return bool(request.user.has_perm("realtime.change_deadletter"))

    @admin.action(description="Replay: publish the original record again", permissions=["settle"])
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        waiting = letters.exclude(state=DeadLetter.State.REPLAYED)
        skipped = letters.count() - waiting.count()
        sent, left, problem = replay.replay(waiting, request.user.get_username())
        if sent:
            self.message_user(request, f"Published again: {sent}.", messages.SUCCESS)
        if left:
            self.message_user(request, f"{problem} Not published, and as they were: {left}.", messages.ERROR)
        if skipped:
            self.message_user(request, f"Replayed before, and left alone: {skipped}.", messages.WARNING)

    @admin.action(description="Discard: put aside, kept as discarded", permissions=["settle"])
    def discard(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        count = replay.discard(letters.filter(state=DeadLetter.State.OPEN), request.user.get_username())
        self.message_user(request, f"Discarded: {count}.", messages.SUCCESS)

    @admin.display(description="value")
    def text(self, row: DeadLetter) -> str:
        return preview(row.value)

    @admin.display(description="key")
    def key_text(self, row: DeadLetter) -> str:
        return preview(row.key)

    @admin.display(description="headers")
    def headers_text(self, row: DeadLetter) -> str:
        return ", ".join(f"{name}: {preview(value)}" for name, value in unpack_headers(bytes(row.headers)))


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
