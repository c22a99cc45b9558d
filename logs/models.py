"""The archive's side of the logs: a stream per service and the lines worth keeping."""

from django.db import models
from django.utils import timezone

from logs.levels import SEVERITY

LEVEL_CHOICES = [(number, level) for level, number in SEVERITY.items()]
LEVEL_NAMES = {number: level for level, number in SEVERITY.items()}


class LogStream(models.Model):
    """The lines of one service: which are archived, and for how long. Made when the service is first seen."""

    service = models.CharField(max_length=100, unique=True)
    archive_level = models.PositiveSmallIntegerField(
        choices=LEVEL_CHOICES,
        default=SEVERITY["WARN"],
        help_text="Lines at this level and above are archived; the live page shows all of them.",
    )
    retention_days = models.PositiveSmallIntegerField(default=30, help_text="How long archived lines are kept.")
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
    level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES, db_index=True)
    message = models.TextField(blank=True)
    fields = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-timestamp", "-id")
        verbose_name = "archived line"
        indexes = [
            models.Index(fields=["-timestamp", "-id"], name="line_by_time"),
            models.Index(fields=["stream", "-timestamp"], name="line_by_stream"),
        ]

    def __str__(self) -> str:
        return f"{LEVEL_NAMES.get(self.level, self.level)} {self.message[:80]}"
