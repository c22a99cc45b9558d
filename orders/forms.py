"""The admin's forms: they know which of an order's fields were edited, by their names in JSON."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from orders.facts import MAX_ID, NAMES, identifier
from orders.models import LATITUDE, LONGITUDE, Courier, Order, Position, milliseconds
from orders.services import active_couriers

DESTINATION = ("destination_name", "destination_lat", "destination_lng")


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


class OrderForm(forms.ModelForm):  # type: ignore[type-arg]
    """An order's fields; the id can be given when it is made, and never changed."""

    order_id = forms.CharField(max_length=MAX_ID, required=False, help_text="Empty: one is made.")
    items = LinesField(required=False, help_text="One a line.")
    courier = forms.ChoiceField(required=False)

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
        if (lat is None) != (lng is None) or (name and lat is None):
            raise ValidationError("A destination takes a latitude and a longitude.")
        return cleaned

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
        return milliseconds(value) if name in ("eta", "due") and value is not None else value or None

    def _destination(self) -> dict[str, Any] | None:
        name, lat, lng = (self.cleaned_data[field] for field in DESTINATION)
        return None if lat is None else {"name": name or None, "lat": lat, "lng": lng}


class CourierForm(forms.ModelForm):  # type: ignore[type-arg]
    """A courier and where it is."""

    lat = forms.FloatField(label="Latitude", required=False, validators=LATITUDE)
    lng = forms.FloatField(label="Longitude", required=False, validators=LONGITUDE)

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


class PositionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A place and where it is."""

    class Meta:
        model = Position
        fields = ("name", "lat", "lng")

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


def clean_name(name: str) -> str:
    if not name.isprintable():
        raise ValidationError("A name takes printable characters.")
    return name
