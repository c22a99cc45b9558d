"""The words of the courier's page, in the courier's language; courier.js says all of its own with these."""

from django.utils.translation import gettext as _

from orders.wording import Words, words


def courier_words() -> Words:
    """Everything that the page's script says, by what it is said of; `{n}` and the like are filled in."""
    return {
        "statuses": {
            "": _("No status yet"),
            "Placed": _("Placed"),
            "Confirmed": _("Confirmed"),
            "Packed": _("Packed"),
            "Shipped": _("Shipped"),
            "Out for delivery": _("Out for delivery"),
            "Delivered": _("Delivered"),
            "Failed attempt": _("Failed attempt"),
            "Cancelled": _("Cancelled"),
            "Returned": _("Returned"),
        },
        "sharing": {
            "off": _("Not shared."),
            "asking": _("Asking your phone…"),
            "on": _("Shared with dispatch, and with the customers you are on the way to."),
            "searching": _("Shared, but your phone does not know where it is just now."),
            "denied": _("Blocked: allow the location for this site in your browser's settings, then try again."),
            "insecure": _(
                "Phones tell their position only to pages over https. Ask for the address that begins with https://."
            ),
            "missing": _("This browser cannot tell where it is."),
            "start": _("Share my position"),
            "stop": _("Stop sharing"),
            "awake": _("The screen stays on meanwhile."),
            "sleepy": _("This browser cannot keep the screen on: tap it now and then."),
        },
        "card": {
            "for": _("For"),
            "due": _("Due"),
            "items": _("Items"),
            "note": _("Note"),
            "publicNote": _("Public note"),
            "somewhere": _("A place on the map"),
            "nowhere": _("No destination given"),
            "early": _("Not ready to go yet."),
            "waits": _("Waits to be sent."),
            "sending": _("Sending…"),
        },
        "waits": {
            "step": _("1 step"),
            "steps": _("{n} steps"),
            "fix": _("1 position"),
            "fixes": _("{n} positions"),
            "both": _("{steps} and {fixes}"),
            "kept": _("No connection: {what} still to be sent, kept on this phone."),
            "unkept": _("No connection: {what} still to be sent. Keep this page open: they are kept nowhere else."),
        },
        "refused": {
            "future": _("It lies in the future: set the clock of this device."),
            "old": _("It is older than a week."),
            "foreign": _("{order} is not among your orders."),
            "over": _("{order} was finished or deleted before that."),
            "other": _("It was not taken: {reason}"),
            "ok": _("OK"),
        },
        "state": words()["state"],
    }
