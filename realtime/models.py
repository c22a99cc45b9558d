"""The database side of the stream machine: outbox, lease, archive's applied offsets, dead letters."""

from django.db import models


class Outbox(models.Model):
    """A record that is to be published: written in the transaction of the change that it tells of.

    One that Kafka has no topic for is parked, with the reason, so that it holds up nothing after it.
    """

    topic = models.CharField(max_length=249)
    key = models.CharField(max_length=500)
    value = models.BinaryField()
    event_id = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="", db_default="", help_text="why it is parked")

    class Meta:
        ordering = ("id",)
        verbose_name = "outbox row"
        indexes = [
            models.Index(fields=["id"], name="outbox_unsent", condition=models.Q(sent_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class Lease(models.Model):
    """Who may do what only one process may do at a time, and until when."""

    name = models.CharField(max_length=50, primary_key=True)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class AppliedOffset(models.Model):
    """The archive's last applied offset of a partition, written in the transaction of what it produced."""

    topic = models.CharField(max_length=249)
    partition = models.PositiveIntegerField()
    mark = models.CharField(max_length=64, help_text="life:offset")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "partition"], name="one_mark_a_partition")]

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition} {self.mark}"


class DeadLetter(models.Model):
    """A record that could not be an event, as its dead-letter topic holds it; unique by where it came from."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        REPLAYED = "replayed", "replayed"
        DISCARDED = "discarded", "discarded"

    topic = models.CharField(max_length=249)
    life = models.CharField(max_length=32)
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    timestamp = models.BigIntegerField(help_text="Unix ms at which the broker appended the original")
    reason = models.CharField(max_length=500)
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    headers = models.BinaryField(
        default=b"", db_default=b"", help_text="the record's own, as MessagePack: [[name, bytes], ...]"
    )
    received_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, db_default=State.OPEN)
    settled_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="who replayed or discarded it"
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["state", "-id"], name="dead_letter_state")]
        constraints = [
            models.UniqueConstraint(fields=["topic", "life", "partition", "offset"], name="dead_letter_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}-{self.life}-{self.partition}-{self.offset}: {self.reason}"


class IngestKey(models.Model):
    """What a device or a service shows to send data: `prefix-secret`, of which only a digest of the secret is kept."""

    name = models.CharField(max_length=100, unique=True, help_text="Whose key this is, such as a service or a phone.")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list, help_text="What the key is good for.")
    bound_to = models.CharField(
        max_length=100,
        blank=True,
        help_text="The one courier or service that this key speaks for; empty: whichever the sender names.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "ingest key"

    def __str__(self) -> str:
        return self.name
