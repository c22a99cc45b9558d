"""A position in the admin is picked on a map: a pin there sets latitude and longitude, and follows what is typed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.forms.widgets import Script
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from orders.models import Position
from orders.views import map_config


class MapForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a map: it brings the scripts, which the lists of the same admin do without."""

    class Media:
        css = {"all": ("npm/leaflet/dist/leaflet.css", "realtime/tokens.css", "orders/map.css", "orders/pick.css")}
        js = (Script("npm/leaflet/dist/leaflet.js", defer=True), Script("orders/pick.js", type="module"))


class WithMap(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds `on_the_map`, a read-only field whose map sets the inputs `picks`; who may only look sees the place there.

    The map is an addition: without JavaScript it is not there, and the inputs are.
    """

    picks = ("lat", "lng")

    def place_of(self, row: Any) -> tuple[float, float] | None:
        """Latitude and longitude of what is edited, where it has a position."""
        lat, lng = (getattr(row, name) for name in self.picks)
        return None if lat is None or lng is None else (lat, lng)

    @admin.display(description="on the map")
    def on_the_map(self, row: Any) -> SafeString:
        newest = Position.objects.order_by("-timestamp").values_list("lat", "lng").first()
        config = {"fields": [f"id_{name}" for name in self.picks], "at": self.place_of(row), "start": newest}
        return format_html(
            '<div class="pick"><div class="pick-map" role="application" tabindex="0" aria-label="Map of the position"'
            ' aria-describedby="pick-help"></div><p id="pick-help">Click the map or drag the pin. From the keyboard:'
            " arrow keys move the pin, with Shift farther; + and − zoom.</p>"
            '<p class="visually-hidden" role="status"></p></div>{}',
            json_script(map_config() | config, "pick-config"),
        )
