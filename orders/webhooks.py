"""Outgoing webhooks: each change of an order's status is told to whoever asked for it, signed, until they say yes.

What is to be told is written in the transaction of the change, so that none is lost; `send_webhooks` sends it (see
`outgoing`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.json import encode

from orders.models import moment
from orders.webhook_models import Webhook, WebhookDelivery

TYPE = "order.status"


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
