"""Outgoing webhooks: each change of an order's status is told to whoever asked for it, signed, until they say yes.

What is to be told is written in the transaction of the change, so that none is lost; it is sent by `send_webhooks`. The
signatures are those of https://www.standardwebhooks.com.
"""

import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.db.models import Q
from django.utils import timezone
from msgspec.json import encode
from standardwebhooks.webhooks import Webhook as Signature

from orders.models import moment
from orders.webhook_models import Webhook, WebhookDelivery

logger = logging.getLogger(__name__)

TYPE = "order.status"
TIMEOUT_S = 10.0
CLAIM = timedelta(minutes=2)
"""For how long a sender has a delivery to itself; one that dies meanwhile leaves it to the next."""
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long to wait after each failure; after the last one the delivery is given up."""
BATCH = 20
GONE = 410


class Changed(NamedTuple):
    """A status that an order has now and had not before; time in Unix ms."""

    event_id: str
    order_id: str
    status: str
    before: str | None
    time: int
    courier: str | None


def announce(changes: Sequence[Changed]) -> None:
    """Notes what is to be told, inside the caller's transaction; the same change is noted once."""
    if not changes:
        return
    rows = [
        WebhookDelivery(webhook=hook, event_id=change.event_id, order_id=change.order_id, body=body_of(change))
        for hook in Webhook.objects.filter(active=True)
        for change in changes
        if not hook.statuses or change.status in hook.statuses
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def body_of(change: Changed) -> str:
    """What is sent: nothing that names the customer."""
    data: dict[str, Any] = {"orderId": change.order_id, "status": change.status, "before": change.before}
    data |= {"timestamp": change.time, "courier": change.courier}
    return encode({"type": TYPE, "timestamp": moment(change.time).isoformat(), "data": data}).decode()


def send_due(now: datetime | None = None) -> int:
    """Sends what is due and returns how many were tried. Several senders share the work."""
    now = now or timezone.now()
    due = WebhookDelivery.objects.filter(next_at__lte=now).select_related("webhook").order_by("next_at", "id")[:BATCH]
    mine = [delivery for delivery in due if _claim(delivery, now)]
    for delivery in mine:
        _send(delivery, now)
    return len(mine)


def again(deliveries: Any) -> int:
    """Lets deliveries be sent once more, from the beginning; returns how many."""
    count: int = deliveries.update(next_at=timezone.now(), delivered_at=None, attempts=0, answer="")
    return count


def prune(now: datetime) -> None:
    """Forgets deliveries that were made, or given up, a month ago."""
    WebhookDelivery.objects.filter(Q(next_at=None), created_at__lt=now - timedelta(days=30)).delete()


def _claim(delivery: WebhookDelivery, now: datetime) -> bool:
    same = WebhookDelivery.objects.filter(pk=delivery.pk, next_at=delivery.next_at)
    return bool(same.update(next_at=now + CLAIM))


def _send(delivery: WebhookDelivery, now: datetime) -> None:
    hook = delivery.webhook
    status, said = _post(hook, delivery, now) if hook.active else (GONE, "The webhook is switched off.")
    delivery.attempts += 1
    delivery.answer = said[:500]
    if 200 <= status < 300:
        delivery.delivered_at, delivery.next_at = timezone.now(), None
    elif status == GONE:
        delivery.next_at = None
        Webhook.objects.filter(pk=hook.pk).update(active=False)
    else:
        delivery.next_at = _next(delivery.attempts, now)
    delivery.save(update_fields=["attempts", "answer", "delivered_at", "next_at"])


def _next(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many failures, a little late at random so that not all come at once."""
    if attempts > len(WAITS_S):
        return None
    return now + timedelta(seconds=WAITS_S[attempts - 1] * random.uniform(1.0, 1.2))


class _NoRedirects(HTTPRedirectHandler):
    """A signed body goes to the address that staff gave, and to no other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)


def _post(hook: Webhook, delivery: WebhookDelivery, now: datetime) -> tuple[int, str]:
    """The answer's status and its beginning in words; 0 where there was none."""
    at = now.astimezone(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sightline-Webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signature(hook.secret).sign(delivery.message_id, at, delivery.body),
    }
    request = Request(hook.url, delivery.body.encode(), headers, method="POST")
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as response:
            return response.status, f"{response.status} {response.read(200).decode('utf-8', 'replace')}"
    except HTTPError as error:
        with error:
            return error.code, f"{error.code} {error.read(200).decode('utf-8', 'replace')}"
    except (OSError, HTTPException, ValueError) as error:
        return 0, f"No answer: {error}"
