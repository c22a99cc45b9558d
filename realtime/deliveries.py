"""Telling others: deliveries are noted in the transaction of what they tell, and repeated until the receiver says yes.

An app has a model of its own (a subclass of `Delivery`) and a module `outgoing` with `send_due(now)` and `prune(now)`,
which `manage.py send_webhooks` calls. The signatures are those of https://www.standardwebhooks.com.
"""

import random
import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Signature

TIMEOUT_S = 10.0
CLAIM = timedelta(minutes=2)
"""For how long a sender has a delivery to itself; one that dies meanwhile leaves it to the next."""
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long to wait after each failure; after the last one the delivery is given up."""
BATCH = 20
GONE = 410
KEEP = timedelta(days=30)


class Answer(NamedTuple):
    """What the other side said: a status of HTTP (2xx is yes, 410 never again, 0 no answer), and words."""

    status: int
    said: str


def new_webhook_secret() -> str:
    """192 random bits in the form of Standard Webhooks."""
    return f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"


class Deliveries(QuerySet[Any]):
    """Deliveries of one model. Several senders share the work."""

    def send_due(self, send: Callable[[Any, datetime], Answer], now: datetime | None = None) -> int:
        """Sends what is due and returns how many were tried.

        A row is marked only after its receiver has said yes: who dies in between repeats, and loses nothing.
        """
        now = now or timezone.now()
        due = self.filter(next_at__lte=now).order_by("next_at", "id")[:BATCH]
        mine = [delivery for delivery in due if self.claim(delivery, now)]
        for delivery in mine:
            _note(delivery, send(delivery, now), now)
        return len(mine)

    def claim(self, delivery: "Delivery", now: datetime) -> bool:
        """Whether the delivery is ours to send, for so long as CLAIM."""
        return bool(self.filter(pk=delivery.pk, next_at=delivery.next_at).update(next_at=now + CLAIM))

    def again(self) -> int:
        """Lets deliveries be sent once more, from the beginning; returns how many."""
        return self.update(next_at=timezone.now(), delivered_at=None, attempts=0, answer="")

    def prune(self, now: datetime) -> None:
        """Forgets deliveries that were made, or given up, a month ago."""
        self.filter(next_at=None, created_at__lt=now - KEEP).delete()


class Delivery(models.Model):
    """One thing on its way to one receiver. `next_at`: when it is tried next; empty once it is done or given up.

    A subclass has `objects = Deliveries.as_manager()`.
    """

    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    next_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=500, blank=True, help_text="What the receiver said last.")

    class Meta:
        abstract = True

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that the receiver can tell a repeat."""
        return f"msg_{self.pk}"


def _note(delivery: Delivery, answer: Answer, now: datetime) -> None:
    delivery.attempts += 1
    delivery.answer = answer.said[:500]
    if 200 <= answer.status < 300:
        delivery.delivered_at, delivery.next_at = timezone.now(), None
    else:
        delivery.next_at = None if answer.status == GONE else next_try(delivery.attempts, now)
    delivery.save(update_fields=["attempts", "answer", "delivered_at", "next_at"])


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many failures, a little late at random so that not all come at once."""
    if attempts > len(WAITS_S):
        return None
    return now + timedelta(seconds=WAITS_S[attempts - 1] * random.uniform(1.0, 1.2))


class _NoRedirects(HTTPRedirectHandler):
    """A signed body goes to the address that staff gave, and to no other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)


def post_signed(url: str, secret: str, message_id: str, body: str, now: datetime) -> Answer:
    """Posts a signed body of JSON."""
    at = now.astimezone(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sightline-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signature(secret).sign(message_id, at, body),
    }
    request = Request(url, body.encode(), headers, method="POST")
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as response:
            return Answer(response.status, f"{response.status} {response.read(200).decode('utf-8', 'replace')}")
    except HTTPError as error:
        with error:
            return Answer(error.code, f"{error.code} {error.read(200).decode('utf-8', 'replace')}")
    except (OSError, HTTPException, ValueError) as error:
        return Answer(0, f"No answer: {error}")
