"""The link to a courier's page, on the courier's page in the admin: made, copied, renewed and revoked there."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orders.courier import current_link, new_link, revoke_links
from orders.models import Courier

NEW, REVOKE = "_new_link", "_revoke_link"


class WithCourierLink(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds `courier_page`, a read-only field with what can be done about the link."""

    class Media:
        css = {"all": ("orders/admin.css",)}
        js = ("orders/copy.js",)

    def get_form(self, request: HttpRequest, obj: Courier | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            obj.site = request.build_absolute_uri("/")[:-1]  # type: ignore[attr-defined]
        return super().get_form(request, obj, change=change, **kwargs)

    @admin.display(description="courier page")
    def courier_page(self, courier: Courier) -> SafeString | str:
        if not courier.pk:
            return "Its link is made once the courier is saved."
        link = current_link(courier)
        if link is None:
            said = "No link works." if courier.active else "A courier who is not active gets no page."
            return format_html("{}{}", said, buttons((NEW, "Make a link")) if courier.active else "")
        url = getattr(courier, "site", "") + reverse("orders:courier", args=[link.token])
        shown = format_html(
            '<input type="text" class="vLargeTextField" id="courier-link" readonly value="{}" aria-label="Link"> '
            '<button type="button" class="button" data-copy="courier-link">Copy</button> '
            '<a href="{}" target="_blank" rel="noopener noreferrer">Open</a>',
            url,
            url,
        )
        until = timezone.localtime(link.expires_at).strftime("%Y-%m-%d %H:%M")
        return format_html(
            '{}<p class="courier-link">Works until {}. Whoever holds it can report for {}.</p>{}',
            shown, until, courier.name, buttons((NEW, "Replace by a new link"), (REVOKE, "Revoke")),
        )  # fmt: skip

    def response_change(self, request: HttpRequest, obj: Courier) -> HttpResponse:
        if NEW in request.POST:
            new_link(obj)
            self.message_user(request, "There is a new link; the one before it works no longer.", messages.SUCCESS)
        elif REVOKE in request.POST:
            revoke_links(obj)
            self.message_user(request, "The link works no longer.", messages.SUCCESS)
        else:
            return super().response_change(request, obj)
        return HttpResponseRedirect(request.path)


def buttons(*named: tuple[str, str]) -> SafeString:
    """Buttons of the admin's own form: they save it first."""
    made = format_html_join(" ", '<button type="submit" class="button" name="{}" value="1">{}</button>', named)
    return format_html('<p class="courier-link">{}</p>', made)
