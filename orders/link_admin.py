"""What staff do in the admin with an order's tracking link, and with many orders at once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders import services
from orders.courier_admin import NEW, REVOKE, buttons
from orders.models import Order


class OrderActionForm(ActionForm):
    """Beside the action: whom it assigns."""

    courier = forms.ChoiceField(required=False, label="Courier:")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, name) for name in services.active_couriers()]
        courier = self.fields["courier"]
        if isinstance(courier, forms.ChoiceField):
            courier.choices = [("", "No one"), *names]


class WithTrackingLink(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds `tracking`, a read-only field with what can be done about the link."""

    def get_form(self, request: HttpRequest, obj: Order | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            obj.site = request.build_absolute_uri("/")[:-1]  # type: ignore[attr-defined]
        return super().get_form(request, obj, change=change, **kwargs)

    @admin.display(description="tracking link")
    def tracking(self, order: Order) -> SafeString | str:
        if not order.pk:
            return "Made once the order is saved."
        make = reverse("orders:make_link", args=[order.pk])
        link = next((link for link in order.links.filter(revoked_at=None) if link.opens()), None)
        if link is None:
            return format_html('<a href="{}" target="_blank" rel="noopener">Make the link and open it</a>', make)
        return format_html(
            '<input type="text" class="vLargeTextField" id="tracking-link" readonly value="{}" aria-label="Link"> '
            '<button type="button" class="button" data-copy="tracking-link">Copy</button> '
            '<a href="{}" target="_blank" rel="noopener noreferrer">Open</a>{}',
            getattr(order, "site", "") + reverse("orders:track", args=[link.token]),
            make,
            buttons((NEW, "Replace by a new link"), (REVOKE, "Revoke")),
        )

    def response_change(self, request: HttpRequest, obj: Order) -> HttpResponse:
        if NEW in request.POST:
            services.revoke_links(obj.pk)
            services.tracking_link(obj.pk)
            self.message_user(request, "There is a new link; the one before it works no longer.", messages.SUCCESS)
        elif REVOKE in request.POST:
            services.revoke_links(obj.pk)
            self.message_user(request, "The link works no longer.", messages.SUCCESS)
        else:
            return super().response_change(request, obj)
        return HttpResponseRedirect(request.path)
