"""Orders, their events, couriers, positions and tracking links, as the database holds them."""

import secrets
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from orders.events import MAX_EVENT_ID
from orders.facts import FINISHED, MAX_ID, MAX_NAME, STATUSES, Place
from orders.state import OrderState
from orders.steps import Reached
from orders.webhook_models import Webhook as Webhook
from orders.webhook_models import WebhookDelivery as WebhookDelivery
from orders.whereabouts import Astray, Judged, Point, PositionState
from realtime.api import Stamp

LATITUDE = [MinValueValidator(-90.0), MaxValueValidator(90.0)]
LONGITUDE = [MinValueValidator(-180.0), MaxValueValidator(180.0)]
EMPTY, NO_ITEMS = models.Value({}, models.JSONField()), models.Value([], models.JSONField())
"""For columns that a process of an earlier release writes rows without, while both run."""


def moment(ms: int) -> datetime:
    """Unix ms as Django stores times, without loss."""
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


class Courier(models.Model):
    """Someone who brings orders. Events name couriers that may not be here; they are known by that name."""

    name = models.CharField(max_length=MAX_NAME, unique=True)
    active = models.BooleanField(default=True, help_text="May be chosen for an order, and use the courier page.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Position(models.Model):
    """The last position of a name: a courier or a place."""

    name = models.CharField(max_length=MAX_NAME, primary_key=True)
    lat = models.FloatField("latitude", validators=LATITUDE)
    lng = models.FloatField("longitude", validators=LONGITUDE)
    timestamp = models.BigIntegerField(default=0, editable=False, help_text="Unix ms")
    speed = models.FloatField(null=True, editable=False, help_text="m/s")
    heading = models.FloatField(null=True, editable=False, help_text="degrees from north")
    accuracy = models.FloatField(null=True, editable=False, help_text="metres")
    battery = models.FloatField(null=True, editable=False)
    order_id = models.CharField(max_length=MAX_ID, blank=True, editable=False)
    source = models.CharField(max_length=50, blank=True, editable=False)
    ahead = models.BigIntegerField(
        default=0, db_default=0, editable=False, help_text="ms by which its clock runs ahead"
    )
    stamp = models.JSONField(null=True, editable=False)
    judged = models.JSONField(null=True, editable=False)
    pace = models.FloatField(null=True, editable=False, help_text="m/s, smoothed")
    refused = models.JSONField(
        default=dict, db_default=EMPTY, editable=False, help_text="fixes by the reason why they were refused"
    )
    astray = models.JSONField(null=True, editable=False)
    trail = models.JSONField(default=list, db_default=NO_ITEMS, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def state(self) -> PositionState:
        return PositionState(
            name=self.name, lat=self.lat, lng=self.lng, timestamp=self.timestamp, speed=self.speed,
            heading=self.heading, accuracy=self.accuracy, battery=self.battery, order_id=self.order_id or None,
            source=self.source or None, ahead=self.ahead, stamp=Stamp(*self.stamp) if self.stamp else None,
            judged=Judged(*self.judged) if self.judged else None, pace=self.pace, refused=dict(self.refused),
            astray=Astray(Point(*self.astray[0]), self.astray[1]) if self.astray else None,
            trail=[Point(*point) for point in self.trail],
        )  # fmt: skip

    def take(self, state: PositionState) -> None:
        """Sets every field from a state, without saving."""
        for name in ("lat", "lng", "timestamp", "speed", "heading", "accuracy", "battery", "ahead", "pace"):
            setattr(self, name, getattr(state, name))
        self.order_id, self.source = state.order_id or "", state.source or ""
        self.stamp = list(state.stamp) if state.stamp else None
        self.judged = list(state.judged) if state.judged else None
        self.refused, self.trail = dict(state.refused), [list(point) for point in state.trail]
        self.astray = [list(state.astray.point), state.astray.fixes] if state.astray else None


class TrailPoint(models.Model):
    """Where a name was: of its fixes those that show the way. It stays TRAIL_KEEP_DAYS."""

    name = models.CharField(max_length=MAX_NAME)
    time = models.BigIntegerField(help_text="Unix ms", db_index=True)
    lat = models.FloatField()
    lng = models.FloatField()
    speed = models.FloatField(null=True)
    heading = models.FloatField(null=True)
    order_id = models.CharField(max_length=MAX_ID, blank=True)

    class Meta:
        ordering = ("name", "time")
        constraints = [models.UniqueConstraint(fields=["name", "time"], name="one_place_at_a_time")]

    def __str__(self) -> str:
        return f"{self.name} at {self.lat}, {self.lng}"


class Order(models.Model):
    """An order's state with the stamps of its fields, so that the archive merges by the same rules as Redis."""

    order_id = models.CharField("order", max_length=MAX_ID, primary_key=True)
    customer_name = models.CharField("customer", max_length=200, blank=True)
    items = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=20, blank=True, choices=[(status, status) for status in STATUSES])
    note = models.TextField(max_length=1000, blank=True, help_text="For staff, and the courier who carries it.")
    public_note = models.TextField(max_length=1000, blank=True, help_text="The customer reads this.")
    courier = models.CharField(max_length=MAX_NAME, blank=True, db_index=True)
    eta = models.DateTimeField("ETA", null=True, blank=True, help_text="When it is expected to arrive.")
    due = models.DateTimeField(null=True, blank=True, help_text="When it was promised for.")
    destination_name = models.CharField("destination", max_length=200, blank=True)
    destination_lat = models.FloatField("latitude", null=True, blank=True, validators=LATITUDE)
    destination_lng = models.FloatField("longitude", null=True, blank=True, validators=LONGITUDE)
    deleted = models.BooleanField(default=False, editable=False)
    times = models.JSONField(default=dict, blank=True, editable=False)
    timestamp = models.BigIntegerField(default=0, editable=False, db_index=True, help_text="Unix ms")
    stamps = models.JSONField(default=dict, blank=True, editable=False)
    wiped = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-timestamp", "order_id")

    def __str__(self) -> str:
        return self.order_id

    def state(self) -> OrderState:
        """The row as the state that Redis holds."""
        return OrderState(
            order_id=self.order_id, customer_name=self.customer_name or None, items=list(self.items) or None,
            status=self.status or None, note=self.note or None, public_note=self.public_note or None,
            courier=self.courier or None, eta=milliseconds(self.eta) if self.eta else None,
            due=milliseconds(self.due) if self.due else None, destination=self.destination, deleted=self.deleted,
            times=dict(self.times), timestamp=self.timestamp,
            stamps={name: Stamp(*stamp) for name, stamp in self.stamps.items()},
            wiped=Stamp(*self.wiped) if self.wiped else None,
        )  # fmt: skip

    def take(self, state: OrderState) -> None:
        """Sets every field from a state, without saving."""
        for name in ("customer_name", "status", "note", "public_note", "courier"):
            setattr(self, name, getattr(state, name) or "")
        self.items = list(state.items or [])
        self.eta = moment(state.eta) if state.eta is not None else None
        self.due = moment(state.due) if state.due is not None else None
        to = state.destination
        self.destination_name = to.name or "" if to else ""
        self.destination_lat, self.destination_lng = (to.lat, to.lng) if to else (None, None)
        self.deleted, self.times, self.timestamp = state.deleted, dict(state.times), state.timestamp
        self.stamps = {name: list(stamp) for name, stamp in state.stamps.items()}
        self.wiped = list(state.wiped) if state.wiped else None

    @property
    def destination(self) -> Place | None:
        if self.destination_lat is None or self.destination_lng is None:
            return None
        return Place(name=self.destination_name or None, lat=self.destination_lat, lng=self.destination_lng)

    @property
    def finished_at(self) -> datetime | None:
        """When it was delivered, cancelled or returned, if that is how it stands."""
        return moment(self.times.get(self.status, self.timestamp)) if self.status in FINISHED else None


class OrderEvent(models.Model):
    """Something that happened to an order: from a record of `order-updates`, or saved here on its way there."""

    event_id = models.CharField(max_length=MAX_EVENT_ID)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    time = models.BigIntegerField(help_text="Unix ms")
    status = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True)
    by = models.CharField(max_length=150, blank=True, help_text="Who it was, in so far as it says so.")
    source = models.CharField(max_length=200, blank=True, help_text="What the producer calls itself.")
    topic = models.CharField(max_length=249, blank=True)
    partition = models.IntegerField(default=-1)
    offset = models.BigIntegerField(default=-1)
    data = models.JSONField(default=dict, help_text="All that it said.")

    class Meta:
        ordering = ("-time", "-id")
        constraints = [models.UniqueConstraint(fields=["order", "event_id"], name="one_row_an_event")]
        indexes = [models.Index(fields=["order", "-time"], name="order_event_timeline")]

    @property
    def reached(self) -> Reached:
        """Its status, placed as its stamp places it."""
        return Reached((self.time, self.partition, self.offset, self.event_id), self.status)

    @property
    def origin(self) -> str:
        """Where it came from: what its producer calls itself, else its place in Kafka."""
        return self.source or (f"{self.topic}-{self.partition}-{self.offset}" if self.offset >= 0 else "")

    def __str__(self) -> str:
        return f"{self.status or 'Change'} at {moment(self.time):%Y-%m-%d %H:%M:%S}"


def outlives_order() -> timedelta:
    """How long a link works after its order is over, where the link does not say."""
    return timedelta(hours=settings.TRACKING_OUTLIVES_HOURS)


def new_token() -> str:
    """192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


class CourierLink(models.Model):
    """Lets whoever holds its token see and report a courier's open orders and its position, until it ends."""

    LASTS = timedelta(days=30)

    courier = models.ForeignKey(Courier, on_delete=models.CASCADE, related_name="links")
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Link for {self.courier}"

    def opens(self, now: datetime | None = None) -> bool:
        """Whether the link still works; one of a courier who is not active does not."""
        return self.revoked_at is None and self.courier.active and (now or timezone.now()) < self.expires_at


class TrackingLink(models.Model):
    """Shows one order to whoever holds its token, until it expires or is revoked."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="links")
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: it works until TRACKING_OUTLIVES_HOURS after its order is over."
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Link to {self.order_id}"

    def opens(self, now: datetime | None = None) -> bool:
        """Whether the link still shows its order."""
        now = now or timezone.now()
        if self.revoked_at is not None or self.order.deleted:
            return False
        if self.expires_at is not None:
            return now < self.expires_at
        finished = self.order.finished_at
        return finished is None or now < finished + outlives_order()


class SentBefore(models.Model):
    """A request with an Idempotency-Key, and the order that it made."""

    sender = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "key"], name="one_row_a_request")]

    def __str__(self) -> str:
        return f"{self.sender}: {self.key}"
