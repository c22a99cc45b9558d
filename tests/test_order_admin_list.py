"""The admin's list and page of orders: assign many, live rows, and the link to copy, replace or revoke."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import expect

from orders import services
from orders.models import Courier, TrackingLink
from tests.test_order_admin import change_page, form_of, placed, published

LIST = "admin:orders_order_changelist"


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.mark.django_db
def test_many_orders_are_assigned_at_once_or_to_no_one(staff):
    Courier.objects.create(name="Asha")
    placed("ORD-1")
    placed("ORD-2")
    chosen = {"action": "assign", "_selected_action": ["ORD-1", "ORD-2"], "courier": "Asha"}
    page = staff.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "Asha: 2." in page
    staff.post(reverse(LIST), chosen | {"_selected_action": ["ORD-2"], "courier": ""})
    assert [(key, value["courier"], value["source"]) for _, key, value in published()] == [
        ("ORD-1", "Asha", "admin"),
        ("ORD-2", "Asha", "admin"),
        ("ORD-2", None, "admin"),
    ]


@pytest.mark.django_db
def test_nobody_is_assigned_who_is_no_active_courier(staff):
    Courier.objects.create(name="Ravi", active=False)
    placed()
    chosen = {"action": "assign", "_selected_action": ["ORD-1"], "courier": "Ravi"}
    staff.post(reverse(LIST), chosen)
    assert published() == []


@pytest.mark.django_db
def test_who_may_only_look_assigns_nobody(client):
    viewer = User.objects.create_user("bea", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(viewer)
    placed()
    client.post(reverse(LIST), {"action": "assign", "_selected_action": ["ORD-1"], "courier": ""})
    client.post(reverse(LIST), {"action": "mark_packed", "_selected_action": ["ORD-1"]})
    assert published() == []


@pytest.mark.django_db
def test_the_list_goes_by_date(staff):
    order = placed()
    found = lambda year: list(staff.get(reverse(LIST), {"created_at__year": year}).context["cl"].result_list)  # noqa: E731
    assert found(order.created_at.year) == [order]
    assert found(2001) == []


@pytest.mark.django_db
def test_an_orders_link_is_shown_to_copy_replaced_and_revoked(staff, client):
    order = placed()
    link = services.tracking_link("ORD-1")
    page = staff.get(change_page(order)).content.decode()
    assert f'value="http://testserver/track/{link.token}/"' in page
    assert 'data-copy="tracking-link"' in page
    assert staff.post(change_page(order), form_of(order, _new_link="1")).url == change_page(order)
    link.refresh_from_db()
    [newer] = TrackingLink.objects.filter(revoked_at=None)
    assert (link.opens(), newer.opens(), newer.token != link.token) == (False, True, True)
    staff.post(change_page(order), form_of(order, _revoke_link="1"))
    assert not TrackingLink.objects.filter(revoked_at=None).exists()
    assert client.get(f"/track/{newer.token}/").status_code == 404
    assert published() == []


def test_a_row_of_the_list_changes_without_a_reload(stack, staff_page):
    make = "from orders.services import create_order, change_order; "
    stack.python(make + "create_order({}, 'test', 'ORD-ROW')")
    stack.python(make + "create_order({}, 'test', 'ORD-ELSEWHERE')")
    frames: list[str] = []
    staff_page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    staff_page.goto(f"{stack.base_url}/admin/orders/order/?q=ORD-ROW")
    row = staff_page.locator("#result_list tbody tr").first
    expect(row.locator(".field-status")).to_have_text("Placed")
    stack.python(make + "change_order('ORD-ROW', {'status': 'Packed', 'courier': 'Asha'}, 'test')")
    expect(row.locator(".field-status")).to_have_text("Packed", timeout=15_000)
    expect(row.locator(".field-courier")).to_have_text("Asha")
    expect(row.locator(".field-updated")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))
    assert any("ORD-ROW" in frame for frame in frames)
    assert not any("ORD-ELSEWHERE" in frame for frame in frames), "a page of the list is fed all orders"
