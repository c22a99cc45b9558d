"""Orders as CSV: what is imported goes through the same services, table and outbox as any other change by staff."""

import csv
from io import StringIO
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from import_export import fields, resources, widgets
from import_export.formats import base_formats
from import_export.forms import ImportForm

from orders import services, state
from orders.complaints import short
from orders.forms import is_half
from orders.models import Order

ADMIN = "admin import"
MAX_BYTES = 4 * 1024 * 1024
"""Of an imported file: some 20,000 orders, each of which the preview tries."""
COLUMNS = (
    "order_id", "status", "customer_name", "items", "courier", "eta", "due", "destination_name", "destination_lat",
    "destination_lng", "public_note", "note",
)  # fmt: skip


class Items(widgets.Widget):  # type: ignore[misc]
    """A list of texts, in one cell with semicolons between them."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        return [item.strip() for item in str(value or "").split(";") if item.strip()]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "; ".join(value or [])


class Moment(widgets.DateTimeWidget):  # type: ignore[misc]
    """A time as it is exported, in the site's zone, or in ISO 8601 as the API takes it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        said = str(value or "").strip()
        try:
            at = parse_datetime(said) if said else None
            if at is None or timezone.is_aware(at):
                return at or super().clean(said, row, **kwargs)
            return timezone.make_aware(at)
        except ValueError:
            raise ValueError(f"{short(said)} is no time; it takes 2026-01-31 13:30 or ISO 8601") from None


class OrderResource(resources.ModelResource):  # type: ignore[misc]
    """A row without an id makes an order, one with an id makes or changes it; columns that are absent change nothing.

    The preview tries everything in a transaction that is rolled back, so it shows each row's error: a step that the
    table does not allow, a value that the topic would not take.
    """

    items = fields.Field(column_name="items", attribute="items", widget=Items())
    eta = fields.Field(column_name="eta", attribute="eta", widget=Moment())
    due = fields.Field(column_name="due", attribute="due", widget=Moment())

    class Meta:
        model = Order
        fields = export_order = COLUMNS
        import_id_fields = ("order_id",)
        use_transactions = True
        skip_unchanged = True
        report_skipped = True

    def get_queryset(self) -> Any:
        return Order.objects.filter(deleted=False)

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        if "order_id" not in dataset.headers:
            dataset.append_col([""] * len(dataset), header="order_id")

    def save_instance(self, instance: Order, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Publishes what differs from what is stored."""
        if is_half(instance.destination_name, instance.destination_lat, instance.destination_lng):
            raise ValueError("A destination takes a latitude and a longitude.")
        by = kwargs["user"].get_username() if kwargs.get("user") else ""
        wanted = state.facts(instance.state())
        if is_create:
            said = {name: value for name, value in wanted.items() if value is not None}
            instance.order_id = services.create_order(said, by, instance.order_id, source=ADMIN).pk
            return
        held = state.facts(Order.objects.get(pk=instance.pk).state())
        said = {name: value for name, value in wanted.items() if value != held[name]}
        if said:
            services.change_order(instance.pk, said, by, source=ADMIN)


CSV = [base_formats.CSV]


class BoundedImportForm(ImportForm):  # type: ignore[misc]
    """The library's form, which reads a file of any size into memory, and tells what is no CSV by Python's errors."""

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > MAX_BYTES:
            raise ValidationError(f"The file has {file.size} bytes; at most {MAX_BYTES} are taken. Import it in parts.")
        complain(file.read())
        file.seek(0)
        return file


def complain(data: bytes) -> None:
    """Says what keeps a file from being read; raises ValidationError."""
    try:
        rows = csv.reader(StringIO(data.decode("utf-8-sig")))
        head = next(rows, [])
        if not set(COLUMNS) & set(head):
            raise ValidationError(
                f"The first line is {short(','.join(head))}; it takes names of columns with commas between them: "
                f"{', '.join(COLUMNS)}."
            )
        for row in rows:
            if len(row) > len(head):
                raise ValidationError(f"Line {rows.line_num} has {len(row)} columns; the first has {len(head)}.")
    except UnicodeDecodeError as wrong:
        raise ValidationError(f"Byte {wrong.start} is 0x{data[wrong.start]:02x}; the file takes UTF-8.") from None
    except csv.Error as wrong:
        raise ValidationError(f"Line {rows.line_num} is no CSV: {wrong}.") from None
