"""Requests that make something once, however often they are sent."""

from datetime import timedelta

from django.utils import timezone

from orders.models import Order, SentBefore

KEPT = timedelta(days=1)


def answered(sender: str, key: str, digest: str) -> Order | None:
    """The order that this request made before; raises ValueError where the key was used for another request.

    Must be called in a transaction: it holds back the same request that comes at the same time.
    """
    SentBefore.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    rows = SentBefore.objects.select_for_update()
    row, made = rows.get_or_create(sender=sender, key=key, defaults={"digest": digest})
    if not made and row.digest != digest:
        raise ValueError(f"The Idempotency-Key {key[:80]!r} was used for another request.")
    return row.order


def remember(sender: str, key: str, order: Order) -> None:
    """Notes what a request made."""
    SentBefore.objects.filter(sender=sender, key=key).update(order=order)
