"""The archive's side of the logs: a stream per service and the lines worth keeping; alerts stand beside it."""

import re2
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from logs.alert_models import AlertRule as AlertRule
from logs.alert_models import Incident as Incident
from logs.alert_models import Notice as Notice
from logs.alert_models import Recipient as Recipient
from logs.levels import SEVERITY

LEVEL_CHOICES = [(number, level) for level, number in SEVERITY.items()]
LEVEL_NAMES = {number: level for level, number in SEVERITY.items()}


MAX_PATTERNS, MAX_PATTERN = 20, 500


def patterns_of(text: str) -> list[str]:
    """The regular expressions in a field that holds one on each line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def check_patterns(text: str) -> None:
    """Names the first line that is no regular expression, or would match everywhere."""
    patterns = patterns_of(text)
    if len(patterns) > MAX_PATTERNS:
        raise ValidationError(f"There are {len(patterns)} patterns; at most {MAX_PATTERNS} are taken.")
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN:
            raise ValidationError(f"A pattern has {len(pattern)} characters; at most {MAX_PATTERN} are taken.")
        try:
            is_empty = re2.compile(pattern).search("") is not None
        except re2.error as error:
            raise ValidationError(f"{pattern!r} is no regular expression: {error}") from None
        if is_empty:
            raise ValidationError(f"{pattern!r} also matches nothing at all, so it would match everywhere.")


class LogStream(models.Model):
    """The lines of one service: which are archived, and for how long. Made when the service is first seen."""

    service = models.CharField(max_length=100, unique=True)
    archive_level = models.PositiveSmallIntegerField(
        choices=LEVEL_CHOICES,
        default=SEVERITY["WARN"],
        help_text="Lines at this level and above are archived; the live page shows all of them.",
    )
    retention_days = models.PositiveSmallIntegerField(default=30, help_text="How long archived lines are kept.")
    groups = models.ManyToManyField(
        "auth.Group",
        blank=True,
        related_name="log_streams",
        help_text="Who may see its lines, counts and name; none: everyone who may see logs.",
    )
    redact_emails = models.BooleanField(
        default=False, db_default=False, help_text="Take e-mail addresses out of its lines."
    )
    redact_patterns = models.TextField(
        blank=True,
        default="",
        db_default="",
        validators=[check_patterns],
        help_text="What else to take out of its lines: one regular expression (RE2) on each line.",
    )
    first_seen = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("service",)

    def __str__(self) -> str:
        return self.service


class LogLine(models.Model):
    """An archived line. `line_id` says where in Kafka it is, so a repeat changes nothing."""

    line_id = models.CharField(max_length=80, unique=True)
    stream = models.ForeignKey(LogStream, on_delete=models.CASCADE, related_name="lines")
    timestamp = models.DateTimeField()
    appended_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), help_text="When Kafka took it: its retention begins."
    )
    level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES, db_index=True)
    message = models.TextField(blank=True)
    fields = models.JSONField(default=dict, blank=True)
    trace = models.CharField(max_length=64, blank=True, default="", db_default="", db_index=True)

    class Meta:
        ordering = ("-timestamp", "-id")
        verbose_name = "archived line"
        indexes = [
            models.Index(fields=["-timestamp", "-id"], name="line_by_time"),
            models.Index(fields=["stream", "-timestamp"], name="line_by_stream"),
            models.Index(fields=["stream", "appended_at"], name="line_by_age"),
        ]

    def __str__(self) -> str:
        return f"{LEVEL_NAMES.get(self.level, self.level)} {self.message[:80]}"
