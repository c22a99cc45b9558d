"""What `send_webhooks` sends for orders: each noted change of a status, to its webhook."""

from datetime import datetime

from orders.webhook_models import Webhook, WebhookDelivery
from realtime.api import GONE, Answer, post_signed


def send_due(now: datetime | None = None) -> int:
    """Sends what is due and returns how many were tried."""
    tried: int = WebhookDelivery.objects.select_related("webhook").send_due(_send, now)
    return tried


def prune(now: datetime) -> None:
    WebhookDelivery.objects.prune(now)


def _send(delivery: WebhookDelivery, now: datetime) -> Answer:
    hook = delivery.webhook
    if not hook.active:
        return Answer(GONE, "The webhook is switched off.")
    answer = post_signed(hook.url, hook.secret, delivery.message_id, delivery.body, now)
    if answer.status == GONE:
        Webhook.objects.filter(pk=hook.pk).update(active=False)
    return answer
