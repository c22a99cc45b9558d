"""Orders as CSV: an import goes through the same table and outbox as the form, and its preview changes nothing."""

import csv
import io
from datetime import datetime
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from realtime.models import Outbox
from tests.test_order_admin import placed, published

pytestmark = pytest.mark.django_db
IMPORT, PROCESS, EXPORT = (f"admin:orders_order_{name}" for name in ("import", "process_import", "export"))


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("ann"))
    return client


def preview(client, text):
    file = SimpleUploadedFile("orders.csv", text if isinstance(text, bytes) else text.encode(), "text/csv")
    return client.post(reverse(IMPORT), {"format": "0", "import_file": file})


def confirm(client, previewed):
    return client.post(reverse(PROCESS), previewed.context["confirm_form"].initial, follow=True)


def test_a_preview_changes_nothing_and_its_confirmation_publishes_what_differs(staff):
    placed("ORD-1", items=["a"], note="old")
    text = "order_id,status,items,customer_name\nORD-1,Packed,a,Sandeep\n,Placed,lamp; two bulbs,Mei\n"
    previewed = preview(staff, text)
    assert Order.objects.count() == 1
    assert published() == []
    confirm(staff, previewed)
    (_, first, changed), (_, second, made) = published()
    assert (first, changed["status"], changed["by"], changed["source"]) == ("ORD-1", "Packed", "ann", "admin import")
    assert changed.keys() == {"orderId", "status", "timestamp", "by", "source"}
    assert (made["items"], made["customerName"], made["status"]) == (["lamp", "two bulbs"], "Mei", "Placed")
    assert second.startswith("ORD-")
    assert Order.objects.get(pk="ORD-1").note == "old", "a column that is absent changes nothing"


@pytest.mark.parametrize(
    ("row", "says"),
    [("ORD-1,Delivered,1", "it may become Confirmed, Packed or Cancelled"), ("ORD-1,Lost,1", "Lost"),
     ("ORD-9,Placed,91", "90")],
)  # fmt: skip
def test_a_row_that_may_not_be_is_told_with_its_rule_and_nothing_is_imported(staff, row, says):
    placed(destination={"name": "Home", "lat": 1, "lng": 2})
    previewed = preview(staff, f"order_id,status,destination_lat,destination_lng\nORD-2,Placed,1,2\n{row},2\n")
    assert says in previewed.content.decode()
    assert "confirm_form" not in previewed.context
    assert (Order.objects.count(), Outbox.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [("order_id,due\nORD-1,tomorrow\n", "'tomorrow' is no time; it takes 2026-01-31 13:30 or ISO 8601"),
     ("order_id,destination_name,destination_lat\nORD-1,Home,12\n", "A destination takes a latitude and a longitude."),
     ("order_id,destination_name\nORD-1,Home\n", "A destination takes a latitude and a longitude."),
     ("order_id,status\nORD-1,\n", "status is empty; it takes one of Placed"),
     ("order_id;status\nORD-1;Packed\n", "The first line is 'order_id;status'; it takes names of columns"),
     ("order_id,status\nORD-1,Packed,x\n", "Line 2 has 3 columns; the first has 2."),
     (b"order_id,note\nORD-1,J\xf6rg\n", "Byte 21 is 0xf6; the file takes UTF-8.")],
)  # fmt: skip
def test_what_a_file_should_be_is_told_without_a_traceback_and_nothing_is_imported(staff, text, says):
    placed()
    previewed = preview(staff, text)
    page = unescape(previewed.content.decode())
    assert says in page
    assert "Traceback" not in page
    assert "confirm_form" not in previewed.context
    assert Outbox.objects.count() == 0


def test_a_file_without_ids_makes_orders_and_a_time_may_be_iso_8601(staff):
    confirm(staff, preview(staff, "\ufeffstatus,due\nPacked,2026-11-26T10:00:00Z\nPlaced,2026-11-26 10:00:00\n"))
    (_, first, packed), (_, second, local) = published()
    assert (packed["status"], packed["due"]) == ("Packed", 1795687200000)
    assert local["due"] == int(timezone.make_aware(datetime(2026, 11, 26, 10)).timestamp() * 1000)
    assert {first, second} == set(Order.objects.values_list("pk", flat=True))


def test_an_export_can_be_imported_again_and_runs_in_no_spreadsheet(staff):
    placed("ORD-1", items=["a", "b"], customerName="=HYPERLINK(1)", destination={"name": "Home", "lat": 1.5, "lng": 2})
    answer = staff.post(reverse(EXPORT), {"format": "0", "resource": "0"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["order_id"], row["items"], row["status"], row["destination_lat"]) == ("ORD-1", "a; b", "Placed", "1.5")
    assert not row["customer_name"].startswith("=")
    del row["customer_name"]
    text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    confirm(staff, preview(staff, text))
    assert published() == []


def test_a_file_that_is_too_large_is_refused_with_both_sizes(staff, monkeypatch):
    monkeypatch.setattr("orders.csv_admin.MAX_BYTES", 40)
    previewed = preview(staff, "order_id,status\n" + "ORD-1,Packed\n" * 3)
    assert "The file has 55 bytes; at most 40 are taken." in previewed.content.decode()
    assert "confirm_form" not in previewed.context


def test_who_may_only_look_imports_nothing(client):
    viewer = User.objects.create_user("bea", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(viewer)
    assert client.get(reverse(IMPORT)).status_code == 403
