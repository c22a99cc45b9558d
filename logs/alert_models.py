"""Rules of alerts, incidents, and what is told of them to whom, as the database holds them."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator, validate_email
from django.db import models

from logs import alerts
from logs.levels import SEVERITY
from realtime.api import Deliveries, Delivery, new_webhook_secret

KINDS = [(alerts.MANY, "at least so many lines"), (alerts.SILENCE, "silence")]
LEVELS = [(level, level) for level in SEVERITY]
HOUR_S = 3_600


class Recipient(models.Model):
    """Who is told of incidents: the address of a webhook, or of e-mail."""

    address = models.CharField(max_length=500, unique=True, help_text="https://… for a webhook, or an e-mail address.")
    secret = models.CharField(
        max_length=100, default=new_webhook_secret, editable=False, help_text="A webhook checks signatures with it."
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("address",)
        verbose_name = "alert recipient"

    def __str__(self) -> str:
        return self.address

    @property
    def is_webhook(self) -> bool:
        return "://" in self.address

    def clean(self) -> None:
        try:
            (URLValidator(schemes=["http", "https"]) if self.is_webhook else validate_email)(self.address)
        except ValidationError:
            said = f"{self.address!r} is neither an address with http:// or https:// nor one of e-mail."
            raise ValidationError({"address": said}) from None


class AlertRule(models.Model):
    """When somebody is to be told: many bad lines within a time, or none at all."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=KINDS, default=alerts.MANY)
    service = models.CharField(max_length=100, blank=True, help_text="One service; empty: all of them together.")
    level = models.CharField(
        max_length=10,
        choices=LEVELS,
        default="ERROR",
        help_text="Lines of this level and worse count; any line ends a silence.",
    )
    lines = models.PositiveIntegerField(
        "at least",
        default=10,
        validators=[MinValueValidator(1)],
        help_text="So many lines; of no concern to a silence.",
    )
    span_s = models.PositiveIntegerField(
        "within (s)",
        default=300,
        validators=[MinValueValidator(alerts.LEAST_S), MaxValueValidator(alerts.MOST_S)],
        help_text=f"Seconds, {alerts.LEAST_S} to {alerts.MOST_S}; up to {alerts.BY_SECOND_S} judged by the second, "
        "beyond by the minute. A silence lasts at least so long.",
    )
    remind_s = models.PositiveIntegerField(
        "remind every (s)",
        default=HOUR_S,
        help_text="Seconds after which recipients are told again while an incident is open; 0: never.",
    )
    recipients = models.ManyToManyField(Recipient, blank=True, related_name="rules")
    active = models.BooleanField(default=True)
    looked = models.BigIntegerField(null=True, editable=False, help_text="Unix seconds up to which it was judged.")
    checked_at = models.DateTimeField(null=True, editable=False)
    says = models.CharField("stands", max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> alerts.Rule:
        return alerts.Rule(self.kind, self.service, self.level, self.lines, self.span_s)

    def clean(self) -> None:
        self.service = self.service.strip()
        self.name = re.sub(r"\s+", " ", self.name).strip()


class Incident(models.Model):
    """A rule that is met, from when to when. The condition is kept as it was: a rule may change."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="incidents")
    condition = models.JSONField(help_text="Kind, service, level, lines, seconds.")
    service = models.CharField(max_length=100, blank=True)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last met.")
    told_at = models.DateTimeField(help_text="When recipients were last to be told.")
    resolved_at = models.DateTimeField(null=True, db_index=True)
    lines = models.PositiveBigIntegerField(default=0, help_text="The most that came within the rule's span.")
    reason = models.CharField(max_length=100, blank=True, help_text="Why it is over, where that is not the lines.")

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=models.Q(resolved_at=None), name="one_open_incident_a_rule"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.rule}"

    @property
    def met(self) -> alerts.Rule:
        """The rule as it was when it was met."""
        return alerts.Rule(*self.condition)


class Notice(Delivery):
    """That an incident was opened, is still open, or is resolved, on its way to one recipient."""

    OPENED, OPEN, RESOLVED = "opened", "open", "resolved"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notices")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="notices")
    state = models.CharField(max_length=10, choices=[(word, word) for word in (OPENED, OPEN, RESOLVED)])

    objects = Deliveries.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "recipient", "state"],
                condition=~models.Q(state="open"),
                name="told_once_of_begin_and_end",
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident} {self.state}, to {self.recipient}"

    @property
    def message_id(self) -> str:
        """A receiver of other webhooks of ours must not take one for the other."""
        return f"msg_alert_{self.pk}"


def visible(rows: Any, hidden: frozenset[str]) -> Any:
    """Of rules or incidents those that may be seen by whom these services are hidden from.

    What all services say together is for who may see all of them.
    """
    return rows.exclude(service__in=[*hidden, ""]) if hidden else rows
