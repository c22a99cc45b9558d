"""The courier's page, and the address to which it sends steps and positions."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from orders.courier import find_link, known_of
from orders.courier_wording import courier_words
from orders.models import CourierLink
from orders.reports import FAILED, MAX_REPORTS, judge, reports_in
from orders.steps import COURIERS_STEPS
from orders.wording import language_of
from realtime.api import KafkaAway, acked_publish, limited

MAX_BODY = 256 * 1024
RATE = "120/minute"
"""How often one link may send; a page sends what has gathered, at most every few seconds."""


def private(response: HttpResponse) -> HttpResponse:
    """The address is the key to the page: no other site is told it, no search engine and no log keeps it."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log the path of what is refused
    return response


@require_safe
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    """A courier's open orders, with the steps it may take, in the courier's language."""
    link, language = find_link(token), language_of(request)
    with translation.override(language):
        if link is None:
            response = render(request, "orders/courier_gone.html", {"language": language}, status=404)
        else:
            context = {"config": config_of(link), "courier": link.courier.name, "words": courier_words()}
            response = render(request, "orders/courier.html", context | {"language": language})
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return private(response)


def config_of(link: CourierLink) -> dict[str, Any]:
    return {
        "courier": link.courier.name,
        "id": link.courier_id,
        "view": f"courier/{link.token}",
        "steps": COURIERS_STEPS,
        "noteFor": FAILED,
        "most": MAX_REPORTS // 2,
        "now": int(time.time() * 1000),
    }


@csrf_exempt  # no cookie counts here: only who holds the token can send
@require_POST
@never_cache
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Takes reports, each with its own time; answers once Kafka has those that are taken."""
    link = find_link(token)
    if link is None:
        return told(404, "This link does not work, or no longer.")
    if wait_s := limited(f"courier:{link.pk}", RATE):
        return told(429, "This page sends too often.", wait_s)
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return told(413, f"The body has more than {MAX_BODY} bytes.")
    try:
        reports, bad = reports_in(body)
    except ValueError as error:
        return told(400, str(error))
    courier, now = link.courier.name, int(time.time() * 1000)
    items, taken, refused = judge(reports, courier, link.courier_id, known_of(reports, courier), now)
    try:
        acked_publish(items)
    except KafkaAway as error:
        return told(503, f"{error} Send this again.", 1)
    answer = {"accepted": taken, "refused": [one._asdict() for one in (*bad, *refused)]}
    return private(JsonResponse(answer))


def told(status: int, detail: str, wait_s: int = 0) -> HttpResponse:
    """A refusal in words; `wait_s`: when to come again."""
    answer: dict[str, Any] = {"detail": detail}
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    return private(JsonResponse(answer, status=status, headers=headers))
