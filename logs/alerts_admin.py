"""Staff say here when whom to tell, and see incidents and what was told of them; loaded by `admin`."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from logs.access import hidden_from
from logs.alert_models import AlertRule, Incident, Notice, Recipient, visible
from logs.alert_words import condition, live_path, search_path
from realtime.api import Deliveries


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule of what its author may see: its notices would tell of the rest."""

    hidden: frozenset[str] = frozenset()

    class Meta:
        model = AlertRule
        fields = ("name", "kind", "service", "level", "lines", "span_s", "remind_s", "recipients", "active")

    def clean_service(self) -> str:
        service = str(self.cleaned_data["service"]).strip()
        if self.hidden and service in {*self.hidden, ""}:
            raise forms.ValidationError("Name a service whose lines you may see.")
        return service


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rules, and how each of them stands."""

    form = RuleForm
    list_display = ("name", "when", "stands", "checked_at", "active")
    list_filter = ("active", "kind")
    search_fields = ("name", "service")
    filter_horizontal = ("recipients",)
    readonly_fields = ("stands", "checked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        rules: QuerySet[AlertRule] = visible(super().get_queryset(request), hidden_from(request.user))
        return rules

    def get_form(self, request: HttpRequest, obj: AlertRule | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type("RuleFormOfUser", (form,), {"hidden": hidden_from(request.user)})

    @admin.display(description="when")
    def when(self, rule: AlertRule) -> str:
        return condition(rule.rule)

    @admin.display(description="stands")
    def stands(self, rule: AlertRule) -> str:
        return rule.says or "not judged yet"


@admin.register(Recipient)
class RecipientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who can be told."""

    list_display = ("address", "active", "waiting")
    fields = ("address", "active", "secret")
    readonly_fields = ("secret",)

    @admin.display(description="waiting")
    def waiting(self, recipient: Recipient) -> int:
        return recipient.notices.exclude(next_at=None).count()


class Looked(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are written by workers, and looked at by staff."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Actions need the permission to change, asked for without a row."""
        return obj is None and super().has_change_permission(request)


@admin.register(Incident)
class IncidentAdmin(Looked):
    """What was wrong, from when to when."""

    list_display = ("__str__", "met_when", "opened_at", "seen_at", "resolved_at", "lines", "links")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    list_select_related = ("rule",)
    date_hierarchy = "opened_at"
    fields = ("rule", "met_when", "opened_at", "seen_at", "resolved_at", "reason", "lines", "links")
    readonly_fields = ("met_when", "links")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        incidents: QuerySet[Incident] = visible(super().get_queryset(request), hidden_from(request.user))
        return incidents

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="when")
    def met_when(self, incident: Incident) -> str:
        return condition(incident.met)

    @admin.display(description="show")
    def links(self, incident: Incident) -> SafeString:
        paths = live_path(incident.met), search_path(incident)
        return format_html('<a href="{}">live</a> · <a href="{}">archived</a>', *paths)


@admin.register(Notice)
class NoticeAdmin(Looked):
    """What was told to whom, and what they answered; it can be sent again."""

    list_display = ("incident", "state", "recipient", "created_at", "delivered_at", "attempts", "next_at", "answer")
    list_filter = ("state", "recipient", ("delivered_at", admin.EmptyFieldListFilter))
    list_select_related = ("incident__rule", "recipient")
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        seen = visible(Incident.objects.all(), hidden_from(request.user))
        return super().get_queryset(request).filter(incident__in=seen)

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, queryset: Deliveries) -> None:
        self.message_user(request, f"{queryset.again()} will be sent again.")
