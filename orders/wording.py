"""The words of the tracking page, in the reader's language: the first HTML and track.js say the same with them."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

PLACE = re.compile(r"\{(\w+)\}")
Words = Mapping[str, Mapping[str, str]]


def language_of(request: HttpRequest) -> str:
    """The language of a page: what `?lang=` asks for, else what the browser prefers, of those that there are."""
    asked = request.GET.get("lang", "")
    return asked if asked in dict(settings.LANGUAGES) else translation.get_language_from_request(request)


def words() -> Words:
    """Everything that is said, by what it is said of; `{courier}` and the like are filled in."""
    units = {"ms": _("ms"), "s": _("s"), "min": _("min"), "h": _("h"), "d": _("d"), "m": _("m"), "km": _("km")}
    leave_open = _("You can leave this page open: it changes by itself.")
    return {
        "headlines": {
            "Placed": _("We have your order"),
            "Confirmed": _("Your order is confirmed"),
            "Packed": _("Your order is packed"),
            "Shipped": _("Your order has been shipped"),
            "Out for delivery": _("{courier} is on the way"),
            "Delivered": _("Your order was delivered"),
            "Failed attempt": _("We could not deliver your order"),
            "Cancelled": _("Your order was cancelled"),
            "Returned": _("Your order was returned"),
            "arriving": _("{courier} is almost there"),
            "arrived": _("{courier} has arrived"),
            "": _("We know of your order"),
            "other": _("Your order: {status}"),
            "gone": _("This order is no longer here"),
            "minute": _("About a minute away"),
            "minutes": _("About {n} minutes away"),
            "hours": _("About {n} hours away"),
        },
        "details": {
            "Placed": leave_open,
            "Confirmed": leave_open,
            "Packed": leave_open,
            "Shipped": leave_open,
            "Failed attempt": _("The courier was there, but could not hand it over."),
            "Cancelled": _("Nothing more will happen with it."),
            "arrived": _("{courier} is at the address with your order."),
            "gone": _("It was deleted, or is no longer kept. If that surprises you, ask whoever sent you this link."),
            "expected": _("Expected about {time}."),
            "late": _("It was expected at {time}."),
            "far": _("About {far} from you."),
            "way": _("{courier} is on the way with your order, expected at {time}."),
            "wayFar": _("{courier} is on the way with your order, about {far} from you, expected at {time}."),
            "near": _("{courier} is about {far} from you."),
            "nearTime": _("{courier} is about {far} from you, expected at {time}."),
        },
        "steps": {
            "Placed": _("Placed"),
            "Confirmed": _("Confirmed"),
            "Packed": _("Packed"),
            "Shipped": _("Shipped"),
            "Out for delivery": _("On its way"),
            "Delivered": _("Delivered"),
            "Failed attempt": _("Not delivered"),
            "Cancelled": _("Cancelled"),
            "Returned": _("Returned"),
        },
        "happened": {
            "Placed": _("We got your order"),
            "Confirmed": _("Confirmed"),
            "Packed": _("Packed"),
            "Shipped": _("Shipped"),
            "Out for delivery": _("Out for delivery"),
            "Delivered": _("Delivered"),
            "Failed attempt": _("Delivery attempt failed"),
            "Cancelled": _("Cancelled"),
            "Returned": _("Returned"),
            "with": _("{what} with {courier}"),
        },
        "notes": {
            "courier": _("Your courier"),
            "position": _("Position {ago} old, rounded to {far}"),
            "none": _("No position from the courier yet"),
            "later": _("The courier shows here once it is on its way"),
        },
        "state": {
            "Connecting": _("Connecting"),
            "Live": _("Live"),
            "Behind": _("Behind"),
            "Reconnecting": _("Reconnecting"),
            "Paused": _("Paused"),
            "Closed": _("Closed"),
            "until this page is seen again": _("until this page is seen again"),
            "nothing received yet": _("nothing received yet"),
            "last update {ago} ago": _("last update {ago} ago"),
            "quiet for {ago}": _("quiet for {ago}"),
            "{ago} behind": _("{ago} behind"),
            "Behind: what is shown is not current": _("Behind: what is shown is not current"),
            "Connection lost, reconnecting": _("Connection lost, reconnecting"),
            "over server-sent events": _("over server-sent events"),
            "over long polling": _("over long polling"),
            "This link shows no order, or no longer.": _("This link shows no order, or no longer."),
            "This link is not valid, or has expired.": _("This link is not valid, or has expired."),
            "This page and the server no longer understand each other. Reload the page.": _(
                "This page and the server no longer understand each other. Reload the page."
            ),
            **units,
        },
        "map": {
            "city": _("Map tiles are not available; showing the demo city"),
            "grid": _("Map tiles are not available; showing a grid"),
            "zoomIn": _("Zoom in"),
            "zoomOut": _("Zoom out"),
        },
        "units": units,
    }


def fill(text: str, **values: Any) -> str:
    """A text with its places filled in; one that names no such place stays as it is."""
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)
