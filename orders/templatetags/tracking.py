"""The words and times of the tracking page: its first HTML; track.js keeps it live with the same tables."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone

from orders.facts import FINISHED, OUT_FOR_DELIVERY
from orders.geo import distance
from orders.tuning import near

register = template.Library()

PATH = ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered")
SIDEWAYS = ("Failed attempt", "Returned", "Cancelled")
OPTIONAL = "Confirmed"
LEAVE_OPEN = "You can leave this page open: it changes by itself."

WORDS: dict[str, dict[str, str]] = {
    "headlines": {
        "Placed": "We have your order",
        "Confirmed": "Your order is confirmed",
        "Packed": "Your order is packed",
        "Shipped": "Your order has been shipped",
        "Out for delivery": "{courier} is on the way",
        "Delivered": "Your order was delivered",
        "Failed attempt": "We could not deliver your order",
        "Cancelled": "Your order was cancelled",
        "Returned": "Your order was returned",
        "arriving": "{courier} is almost there",
        "arrived": "{courier} has arrived",
        "": "We know of your order",
        "gone": "This order is no longer here",
    },
    "details": {
        "Placed": LEAVE_OPEN,
        "Confirmed": LEAVE_OPEN,
        "Packed": LEAVE_OPEN,
        "Shipped": LEAVE_OPEN,
        "Failed attempt": "The courier was there, but could not hand it over.",
        "Cancelled": "Nothing more will happen with it.",
        "arrived": "{courier} is at the address with your order.",
        "gone": "It was deleted, or is no longer kept. If that surprises you, ask whoever sent you this link.",
    },
    "steps": {"Out for delivery": "On its way", "Failed attempt": "Not delivered"},
    "happened": {
        "Placed": "We got your order",
        "Out for delivery": "Out for delivery",
        "Failed attempt": "Delivery attempt failed",
    },
}


@register.simple_tag
def tracking(view: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the page says in words about `view`, as of now."""
    order = view.get("order")
    if order is None:
        return {"headline": WORDS["headlines"]["gone"], "detail": WORDS["details"]["gone"], "gone": True}
    now = int(time.time() * 1000)
    times = order.get("times") or {}
    headline, detail = _answer(order, view.get("position"), now)
    return {
        "headline": headline,
        "detail": detail,
        "eta": order.get("eta") if order.get("status") not in FINISHED else None,
        "steps": short_steps(order.get("status"), times),
        "happened": sorted(_happened(order, times), key=lambda event: -event["at"]),
    }


@register.simple_tag
def tracking_words() -> dict[str, dict[str, str]]:
    """The tables that track.js says the same with."""
    return WORDS


@register.filter
def moment(ms: int) -> datetime:
    """A time of our frames for Django's date filter."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(timezone.get_current_timezone())


@register.filter
def clock(ms: int) -> str:
    """13:55 today, else 24 Nov 13:55."""
    local = moment(ms)
    today = local.date() == timezone.localdate()
    return f"{local:%H:%M}" if today else f"{local.day} {local:%b %H:%M}"


def steps(status: str | None, times: Mapping[str, int]) -> list[dict[str, Any]]:
    """What is behind the order, where it is, and what is still to come; the same rules as steps.js."""
    rank = PATH.index(status) if status in PATH else -1
    behind = [step for place, step in enumerate(PATH) if _passed(step, place, status, rank, times)]
    strayed = [step for step in SIDEWAYS if step != status and step in times]
    last = rank if rank >= 0 else max([PATH.index(step) for step in behind], default=-1)
    ahead = [] if status in FINISHED else [step for step in PATH[last + 1 :] if step != OPTIONAL]
    done = [_step(step, times, "done") for step in (*behind, *strayed)]
    if strayed:
        done.sort(key=lambda step: step["at"] or 0)
    now = [_step(status, times, "now")] if status else []
    return [*done, *now, *(_step(step, {}, "todo") for step in ahead)]


def short_steps(status: str | None, times: Mapping[str, int]) -> list[dict[str, Any]]:
    """The same without what a customer need not see once it is past."""
    return [step for step in steps(status, times) if step["label"] != OPTIONAL or step["state"] == "now"]


def _passed(step: str, place: int, status: str | None, rank: int, times: Mapping[str, int]) -> bool:
    if step == status:
        return False
    if rank < 0:
        return step in times
    return place < rank and (step != OPTIONAL or step in times)


def _step(status: str, times: Mapping[str, int], state: str) -> dict[str, Any]:
    return {"label": WORDS["steps"].get(status, status), "at": times.get(status), "state": state}


def _answer(order: Mapping[str, Any], position: Mapping[str, Any] | None, now: int) -> tuple[str, str]:
    """The headline and the sentence under it; the same rules as answer.js, which also says distances."""
    status = order.get("status") or ""
    courier = order.get("courier") or "Your courier"
    headline = WORDS["headlines"].get(status, f"Your order: {status}").replace("{courier}", courier)
    eta = order.get("eta")
    if status != OUT_FOR_DELIVERY:
        expected = f"Expected about {clock(eta)}." if eta and eta > now and status not in FINISHED else ""
        return headline, expected or WORDS["details"].get(status, "")
    metres = _metres(order.get("destination"), position)
    for place in ("arrived", "arriving"):
        if metres is not None and metres <= near()[place]:
            words = WORDS["headlines"][place], WORDS["details"].get(place, "")
            return words[0].replace("{courier}", courier), words[1].replace("{courier}", courier)
    if not eta:
        return headline, ""
    if eta <= now:
        return headline, f"It was expected at {clock(eta)}."
    return _minutes(eta - now), f"{courier} is on the way with your order, expected at {clock(eta)}."


def _metres(to: Mapping[str, Any] | None, position: Mapping[str, Any] | None) -> float | None:
    return distance(position["lat"], position["lng"], to["lat"], to["lng"]) if to and position else None


def _minutes(left: int) -> str:
    minutes = round(left / 60_000)
    if minutes < 2:
        return "About a minute away"
    return f"About {minutes} minutes away" if minutes < 90 else f"About {round(minutes / 60)} hours away"


def _happened(order: Mapping[str, Any], times: Mapping[str, int]) -> list[dict[str, Any]]:
    courier = order.get("courier")
    events = []
    for status, at in times.items():
        text = WORDS["happened"].get(status, status)
        if status == OUT_FOR_DELIVERY and courier and order.get("status") == status:
            text = f"{text} with {courier}"
        events.append({"text": text, "at": at})
    return events
