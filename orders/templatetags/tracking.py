"""The words and times of the tracking page: its first HTML; track.js keeps it live with the same tables."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from orders.facts import FINISHED, OUT_FOR_DELIVERY
from orders.geo import distance
from orders.tuning import near
from orders.wording import Words, fill, words

register = template.Library()

PATH = ("Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered")
SIDEWAYS = ("Failed attempt", "Returned", "Cancelled")
OPTIONAL = "Confirmed"


@register.simple_tag
def tracking(view: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the page says in words about `view`, as of now."""
    order = view.get("order")
    if order is None:
        told = words()
        return {"headline": told["headlines"]["gone"], "detail": told["details"]["gone"], "gone": True}
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
def tracking_words() -> Words:
    """The tables that track.js says the same with."""
    return words()


@register.filter
def moment(ms: int) -> datetime:
    """A time of our frames for Django's date filter."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(timezone.get_current_timezone())


@register.filter
def clock(ms: int) -> str:
    """13:55 today, else 24 Nov 13:55."""
    local = moment(ms)
    today = local.date() == timezone.localdate()
    return f"{local:%H:%M}" if today else f"{date_format(local, 'j M')} {local:%H:%M}"


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
    return [step for step in steps(status, times) if step["status"] != OPTIONAL or step["state"] == "now"]


def _passed(step: str, place: int, status: str | None, rank: int, times: Mapping[str, int]) -> bool:
    if step == status:
        return False
    if rank < 0:
        return step in times
    return place < rank and (step != OPTIONAL or step in times)


def _step(status: str, times: Mapping[str, int], state: str) -> dict[str, Any]:
    return {"status": status, "label": words()["steps"].get(status, status), "at": times.get(status), "state": state}


def _answer(order: Mapping[str, Any], position: Mapping[str, Any] | None, now: int) -> tuple[str, str]:
    """The headline and the sentence under it; the same rules as answer.js, which also says distances."""
    told = words()
    headlines, details = told["headlines"], told["details"]
    status = order.get("status") or ""
    courier = order.get("courier") or told["notes"]["courier"]
    headline = fill(headlines.get(status, headlines["other"]), courier=courier, status=status)
    eta = order.get("eta")
    if status != OUT_FOR_DELIVERY:
        expected = fill(details["expected"], time=clock(eta)) if eta and eta > now and status not in FINISHED else ""
        return headline, expected or details.get(status, "")
    metres = _metres(order.get("destination"), position)
    for place in ("arrived", "arriving"):
        if metres is not None and metres <= near()[place]:
            return fill(headlines[place], courier=courier), fill(details.get(place, ""), courier=courier)
    if not eta:
        return headline, ""
    if eta <= now:
        return headline, fill(details["late"], time=clock(eta))
    return _minutes(eta - now, headlines), fill(details["way"], courier=courier, time=clock(eta))


def _metres(to: Mapping[str, Any] | None, position: Mapping[str, Any] | None) -> float | None:
    return distance(position["lat"], position["lng"], to["lat"], to["lng"]) if to and position else None


def _minutes(left: int, headlines: Mapping[str, str]) -> str:
    minutes = round(left / 60_000)
    if minutes < 2:
        return headlines["minute"]
    if minutes < 90:
        return fill(headlines["minutes"], n=minutes)
    return fill(headlines["hours"], n=round(minutes / 60))


def _happened(order: Mapping[str, Any], times: Mapping[str, int]) -> list[dict[str, Any]]:
    told = words()["happened"]
    courier = order.get("courier")
    events = []
    for status, at in times.items():
        text = told.get(status, status)
        if status == OUT_FOR_DELIVERY and courier and order.get("status") == status:
            text = fill(told["with"], what=text, courier=courier)
        events.append({"text": text, "at": at})
    return events
