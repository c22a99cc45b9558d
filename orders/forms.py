"""The admin's forms: they know which of an order's fields were edited, by their names in JSON."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from msgspec import DecodeError
from msgspec.json import decode, encode

from orders import services, state
from orders.facts import MAX_ID, NAMES, STATUSES, facts_of, identifier, plain
from orders.map_admin import MapForm
from orders.models import LATITUDE, LONGITUDE, Courier, Order, Position, milliseconds, moment
from orders.services import active_couriers
from orders.steps import STEPS, StepRefused

DESTINATION = ("destination_name", "destination_lat", "destination_lng")
FIELD_OF = {json: name for name, json in NAMES.items()} | {"destination": DESTINATION[0]}
"""The field of the form for each name in JSON."""
TIMES = ("eta", "due")


class DegreesField(forms.FloatField):
    """Half of a position. It was edited where it is not what the form showed: the courier may have moved on since."""

    def __init__(self, label: str, validators: list[Any], *, required: bool = True) -> None:
        super().__init__(label=label, validators=validators, required=required, show_hidden_initial=True)


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > 100 or any(len(line) > 200 for line in value):
            raise ValidationError("At most 100 items, each of at most 200 characters.")

    def run_validators(self, value: Any) -> None:
        """CharField's validators are for one text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class OrderForm(MapForm):
    """An order's fields; the id can be given when it is made, and never changed.

    `seen` remembers what the form showed when it was opened. Only what was edited since then is `said`, and a field
    that somebody else changed meanwhile is shown as a conflict; saving again sets it knowingly.
    """

    order_id = forms.CharField(max_length=MAX_ID, required=False, help_text="Empty: one is made.")
    items = LinesField(required=False, help_text="One a line.")
    courier = forms.ChoiceField(required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Order
        fields = (
            "order_id", "customer_name", "items", "status", "note", "public_note", "courier", "eta", "due",
            *DESTINATION,
        )  # fmt: skip
        widgets = {name: forms.Textarea(attrs={"rows": 3}) for name in ("note", "public_note")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = active_couriers()
        if self.instance.courier and self.instance.courier not in names:
            names.append(self.instance.courier)
        if isinstance(courier := self.fields.get("courier"), forms.ChoiceField):
            courier.choices = [("", "No one"), *((name, name) for name in names)]
        self.said: dict[str, Any] = {}
        if self.instance.pk:
            self.fields["seen"].initial = encode(state.facts(self.instance.state())).decode()
            if isinstance(status := self.fields.get("status"), forms.ChoiceField):
                status.choices = status_choices(self.instance.status)

    def clean_order_id(self) -> str:
        order_id = self.cleaned_data["order_id"].strip()
        if not order_id:
            return ""
        if Order.objects.filter(pk=order_id, deleted=False).exists():
            raise ValidationError("There is an order of this id already.")
        try:
            return identifier(order_id, "The id", MAX_ID, "missing_order_id")
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        name, lat, lng = (cleaned.get(field) for field in DESTINATION)
        if is_half(name, lat, lng):
            raise ValidationError("A destination takes a latitude and a longitude.")
        if self.instance.pk and not self.errors:
            seen = self._seen(cleaned.get("seen") or "")
            facts = facts_of(self.facts([name for name in cleaned if name in self.Meta.fields]))
            self.said = {name: value for name, value in plain(facts).items() if not is_same(name, value, seen[name])}
            self._examine(seen)
        return cleaned

    def _seen(self, text: str) -> dict[str, Any]:
        """What the form showed, by names in JSON; a form that does not say so was opened just now."""
        try:
            seen = decode(text, type=dict[str, Any]) if text else {}
        except DecodeError:
            raise ValidationError("This form is damaged; open it again.") from None
        return state.facts(self.instance.state()) | seen

    def _examine(self, seen: dict[str, Any]) -> None:
        """Says which edits cannot be saved, each at its field."""
        try:
            services.examine(self.instance.pk, facts_of(self.said), seen)
        except Order.DoesNotExist:
            self.add_error(None, "This order was deleted meanwhile.")
        except StepRefused as refused:
            self.add_error("status", str(refused))
        except services.Conflict as conflict:
            for name, value in conflict.values.items():
                said = f"Meanwhile somebody else changed it to {in_words(name, value)}. Save again to set yours."
                self.add_error(FIELD_OF[name], said)
            data = QueryDict(mutable=True)
            data.update(self.data)
            data["seen"] = encode({**seen, **conflict.values}).decode()
            self.data = data

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields that were edited since the form was opened."""
        if not self.instance.pk or not hasattr(self, "cleaned_data"):
            return super().changed_data
        return [FIELD_OF[name] for name in self.said]

    def validate_unique(self) -> None:
        """An id may be that of a deleted order, which comes to life again; `clean_order_id` refuses the others."""

    def facts(self, names: list[str]) -> dict[str, Any]:
        """What these fields of the form say, by their names in JSON."""
        said: dict[str, Any] = {}
        for name in names:
            if name in DESTINATION:
                said["destination"] = self._destination()
            elif name in NAMES:
                said[NAMES[name]] = self._value(name)
        return said

    def _value(self, name: str) -> Any:
        value = self.cleaned_data[name]
        return milliseconds(value) if name in TIMES and value is not None else value or None

    def _destination(self) -> dict[str, Any] | None:
        name, lat, lng = (self.cleaned_data[field] for field in DESTINATION)
        return None if lat is None else {"name": name or None, "lat": lat, "lng": lng}


class CourierForm(MapForm):
    """A courier and where it is."""

    lat = DegreesField("Latitude", LATITUDE, required=False)
    lng = DegreesField("Longitude", LONGITUDE, required=False)

    class Meta:
        model = Courier
        fields = ("name", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        position = Position.objects.filter(pk=self.instance.name).first() if self.instance.pk else None
        if position is not None:
            self.fields["lat"].initial, self.fields["lng"].initial = position.lat, position.lng

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lat, lng = cleaned.get("lat"), cleaned.get("lng")
        if not self.errors and (lat is None) != (lng is None):
            raise ValidationError("A position takes a latitude and a longitude.")
        return cleaned


class PositionForm(MapForm):
    """A place and where it is."""

    lat = DegreesField("Latitude", LATITUDE)
    lng = DegreesField("Longitude", LONGITUDE)

    class Meta:
        model = Position
        fields = ("name", "lat", "lng")

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


def status_choices(now: str) -> list[tuple[str, Any]]:
    """Every status, those first that may come next; the others are refused in words."""
    onward = STEPS.get(now, STATUSES)
    others = [status for status in STATUSES if status != now and status not in onward]
    groups = [("Next", onward), (f"Not after {now}", others)]
    return [(now, now or "–"), *((name, [(one, one) for one in some]) for name, some in groups if some)]


def is_half(name: str | None, lat: float | None, lng: float | None) -> bool:
    """Whether a destination lacks what makes it a place."""
    return (lat is None) != (lng is None) or (bool(name) and lat is None)


def is_same(name: str, value: Any, seen: Any) -> bool:
    """Whether a field shows what it showed; times are shown to the second."""
    if name in TIMES and isinstance(value, int) and isinstance(seen, int):
        return value // 1000 == seen // 1000
    return bool(value == seen)


def in_words(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    if name in TIMES:
        return f"{timezone.localtime(moment(value)):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dict):
        return f"“{value.get('name') or 'a place'}” at {value['lat']}, {value['lng']}"
    return f"“{', '.join(value) if isinstance(value, list) else value}”"


def clean_name(name: str) -> str:
    if not name.isprintable():
        raise ValidationError("A name takes printable characters.")
    return name
