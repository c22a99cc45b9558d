"""Webhooks and what is told to them, as the database holds them."""

from django.core.validators import URLValidator
from django.db import models

from orders.events import MAX_EVENT_ID
from orders.facts import MAX_ID
from realtime.api import Deliveries, Delivery, new_webhook_secret


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


class WebhookDelivery(Delivery):
    """One change on its way to one webhook."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=MAX_EVENT_ID)
    order_id = models.CharField("order", max_length=MAX_ID)

    objects = Deliveries.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["webhook", "order_id", "event_id"], name="one_delivery_a_change"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} to {self.webhook}"
