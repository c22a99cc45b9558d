"""Staff act on one order or on many from the orders page; what the table refuses is named with what it allows."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from orders import services
from orders.models import Order, OrderEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def act():
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))

    def act(code=200, /, **body):
        response = client.post(reverse("orders:act"), json.dumps(body), content_type="application/json")
        assert response.status_code == code, response.content
        return response.json()

    return act


@pytest.fixture(autouse=True)
def orders():
    for id, status in {"A-1": "Placed", "A-2": "Packed", "A-3": "Delivered"}.items():
        services.create_order({"status": status}, "test", id)


def test_many_orders_are_changed_each_by_itself_and_the_refused_are_named(act):
    answer = act(orders=["A-1", "A-2", "A-3", "A-1", "NONE"], status="Packed", courier="Asha")
    assert answer["done"] == ["A-1", "A-2"]
    refused = {one["orderId"]: one for one in answer["refused"]}
    assert refused["A-3"]["allowed"] == ["Returned"]
    assert "it may become Returned" in refused["A-3"]["reason"]
    assert refused.keys() == {"A-3", "NONE"}
    row = Order.objects.get(pk="A-1")
    assert (row.status, row.courier) == ("Packed", "Asha")
    event = OrderEvent.objects.filter(order="A-1").first()
    assert (event.by, event.source) == ("ann", "orders page")
    assert Order.objects.get(pk="A-3").courier == "", "a refused step takes nothing along"


def test_where_none_can_be_changed_it_is_a_conflict(act):
    assert act(409, orders=["A-3"], status="Placed")["refused"][0]["allowed"] == ["Returned"]


def test_a_courier_is_assigned_and_taken_off(act):
    act(orders=["A-2"], courier="Asha")
    act(orders=["A-2"], courier=None)
    assert Order.objects.get(pk="A-2").courier == ""


@pytest.mark.parametrize(
    "body",
    [
        {}, {"orders": [], "status": "Packed"}, {"orders": "A-1", "status": "Packed"},
        {"orders": [1], "status": "Packed"},
        {"orders": ["A-1"]}, {"orders": ["A-1"], "status": None}, {"orders": ["A-1"], "courier": 5},
        {"orders": ["A-1"] * 201, "status": "Packed"},
    ],
)  # fmt: skip
def test_a_body_that_asks_for_nothing_sensible_is_told_so(act, body):
    assert act(400, **body)["detail"]


def test_a_status_that_is_none_is_refused(act):
    assert "Lost" in act(409, orders=["A-1"], status="Lost")["refused"][0]["reason"]


def test_only_staff_who_may_change_orders_act_and_only_from_our_pages():
    path, body = reverse("orders:act"), json.dumps({"orders": ["A-1"], "status": "Packed"})
    client = Client(enforce_csrf_checks=True)
    looker = User.objects.create_user("bob", is_staff=True)
    client.force_login(looker)
    assert client.post(path, body, content_type="application/json").status_code == 403  # no CSRF token
    lenient = Client()
    lenient.force_login(looker)
    assert lenient.post(path, body, content_type="application/json").status_code == 403
    looker.user_permissions.add(Permission.objects.get(codename="change_order"))
    assert lenient.post(path, body, content_type="application/json").status_code == 200
    assert Client().post(path, body, content_type="application/json").status_code == 302
    assert lenient.get(path).status_code == 405
