"""Staff say here who is told of orders, and see and repeat what was told; loaded by `admin`."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from orders.facts import STATUSES
from orders.webhook_models import Webhook, WebhookDelivery
from realtime.api import Deliveries


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """A webhook; without a status it is told of all."""

    url = forms.URLField(label="Address", max_length=500, assume_scheme="https")
    statuses = forms.MultipleChoiceField(
        required=False,
        choices=[(status, status) for status in STATUSES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Only these; none: all.",
    )

    class Meta:
        model = Webhook
        fields = ("url", "statuses", "active")


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Addresses that are told of changes of orders' statuses."""

    form = WebhookForm
    list_display = ("url", "active", "waiting", "created_at")
    fields = ("url", "statuses", "active", "secret")
    readonly_fields = ("secret",)

    @admin.display(description="waiting")
    def waiting(self, webhook: Webhook) -> int:
        return webhook.deliveries.exclude(next_at=None).count()


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What was told to whom, and what they answered; it can be sent again."""

    list_display = ("order_id", "webhook", "created_at", "delivered_at", "attempts", "next_at", "answer")
    list_filter = ("webhook", ("delivered_at", admin.EmptyFieldListFilter), ("next_at", admin.EmptyFieldListFilter))
    search_fields = ("order_id",)
    list_select_related = ("webhook",)
    actions = ("send_again",)

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, queryset: Deliveries) -> None:
        self.message_user(request, f"{queryset.again()} will be sent again.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        """Rows are looked at; actions need the permission to change, asked for without a row."""
        return obj is None and super().has_change_permission(request)
