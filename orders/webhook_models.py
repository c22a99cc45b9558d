"""Webhooks and what is told to them, as the database holds them."""

import secrets
from base64 import b64encode

from django.core.validators import URLValidator
from django.db import models
from django.utils import timezone

from orders.events import MAX_EVENT_ID
from orders.facts import MAX_ID


def new_webhook_secret() -> str:
    """192 random bits in the form of Standard Webhooks."""
    return f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"


class Webhook(models.Model):
    """An address that is told of changes of orders' statuses."""

    url = models.URLField("address", max_length=500, validators=[URLValidator(schemes=["http", "https"])])
    secret = models.CharField(
        max_length=100, default=new_webhook_secret, editable=False, help_text="The receiver checks signatures with it."
    )
    statuses = models.JSONField(default=list, blank=True, help_text="Only these; none: all.")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("url",)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One change on its way to one webhook. `next_at`: when it is tried next; empty once it is done or given up."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=MAX_EVENT_ID)
    order_id = models.CharField("order", max_length=MAX_ID)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    next_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=500, blank=True, help_text="What the receiver said last.")

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["webhook", "order_id", "event_id"], name="one_delivery_a_change"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} to {self.webhook}"

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that the receiver can tell a repeat."""
        return f"msg_{self.pk}"
