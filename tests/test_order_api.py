"""The JSON API of orders: the same rules as the admin's, told by status codes and words, read from Redis first."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_redis import get_redis_connection

from orders import services
from orders.events import OrderEvent
from orders.facts import facts_of
from orders.models import Courier, Order, TrackingLink
from orders.state import ORDERS, reduce_orders
from orders.steps import STEPS
from realtime.api import Stamp
from realtime.ingestkeys import issue
from realtime.models import IngestKey, Outbox
from tests.test_order_admin import NOW, placed, published
from tests.test_track_privacy import FULL, LAT, LNG, ORDER_KEYS, POSITION_KEYS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture
def redis(redis_url):
    connection = get_redis_connection("default")
    connection.flushdb()
    yield connection
    connection.flushdb()


@pytest.fixture
def api(client):
    """Calls the API with a key: `api("GET", "/orders")`."""
    text = issue(IngestKey(name="shop", scopes=["api"]))

    def call(method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {text}"} | headers
        data = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else b""
        return client.generic(method, f"/api{path}", data, content_type="application/json", headers=headers)

    return call


def in_redis(redis, order_id="ORD-1", time=NOW + 9, **said):
    event = OrderEvent("e", order_id, Stamp(time, 0, 1), facts_of(said))
    redis.set(f"order:{order_id}", reduce_orders([event], {}, NOW).puts[ORDERS, order_id].value)


# --- who may ----------------------------------------------------------------------------------------------------------


def test_visitors_are_asked_who_they_are_and_others_than_staff_are_refused(client):
    assert client.get("/api/orders").status_code == 401
    assert client.post("/api/orders", {}, content_type="application/json").status_code == 401
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/api/orders").status_code == 403


def test_a_session_needs_the_csrf_token_to_change_something():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ann"))
    assert client.get("/api/orders").status_code == 200
    assert client.post("/api/orders", {}, content_type="application/json").status_code == 403
    client.get("/admin/login/?next=/x")
    client.get("/admin/orders/order/add/")
    token = client.cookies["csrftoken"].value
    made = client.post("/api/orders", {}, content_type="application/json", headers={"X-CSRFToken": token})
    assert made.status_code == 201
    assert published()[0][2]["by"] == "ann"


def test_keys_need_the_scope_and_one_for_a_courier_is_not_for_all_orders(client):
    for key, status in (
        (IngestKey(name="phone", scopes=["locations"]), 403),
        (IngestKey(name="Asha", scopes=["api"], bound_to="Asha"), 403),
        (IngestKey(name="shop", scopes=["api"]), 200),
    ):
        headers = {"Authorization": f"Bearer {issue(key)}"}
        assert client.get("/api/orders", headers=headers).status_code == status


# --- making -----------------------------------------------------------------------------------------------------------


def test_an_order_is_made_and_published_by_whom_and_from_where(api):
    body = {"customerName": "Sandeep", "items": ["a"], "destination": {"lat": 1, "lng": 2}, "due": "2026-12-24T18:00Z"}
    made = api("POST", "/orders", body)
    assert made.status_code == 201
    order = made.json()
    assert (order["status"], order["customerName"], order["due"]) == ("Placed", "Sandeep", 1_798_135_200_000)
    [(topic, key, value)] = published()
    assert (topic, key, value["by"], value["source"]) == ("order-updates", order["orderId"], "shop", "api")


def test_an_id_is_given_once(api):
    assert api("POST", "/orders", {"orderId": "ORD-7"}).json()["orderId"] == "ORD-7"
    again = api("POST", "/orders", {"orderId": "ORD-7"})
    assert (again.status_code, again.json()) == (409, {"detail": "There is an order ORD-7 already."})


def test_the_same_request_with_an_idempotency_key_makes_one_order(api):
    once = {"Idempotency-Key": "k-1"}
    first = api("POST", "/orders", {"customerName": "Mei"}, **once)
    again = api("POST", "/orders", {"customerName": "Mei"}, **once)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Order.objects.count() == Outbox.objects.count() == 1
    other = api("POST", "/orders", {"customerName": "Olu"}, **once)
    assert (other.status_code, Order.objects.count()) == (422, 1)
    assert "was used for another request" in other.json()["detail"]
    assert api("POST", "/orders", {"customerName": "Mei"}, **{"Idempotency-Key": "k-2"}).status_code == 201


def test_a_request_that_failed_leaves_its_idempotency_key_unused(api):
    once = {"Idempotency-Key": "k-1"}
    assert api("POST", "/orders", {"status": "Lost"}, **once).status_code == 422
    assert api("POST", "/orders", {"status": "Packed"}, **once).status_code == 201
    assert api("POST", "/orders", {}, **{"Idempotency-Key": "k" * 201}).status_code == 422


def test_a_request_that_is_repeated_after_its_order_was_deleted_is_told_so(api):
    once = {"Idempotency-Key": "k-1"}
    order_id = api("POST", "/orders", {"customerName": "Mei"}, **once).json()["orderId"]
    services.delete_order(order_id, "ann")
    again = api("POST", "/orders", {"customerName": "Mei"}, **once)
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"This request made {order_id}, which was deleted since.",
    )


def test_an_idempotency_key_is_its_senders_own(api, client):
    client.force_login(User.objects.create_superuser("ann"))
    api("POST", "/orders", {"customerName": "Mei"}, **{"Idempotency-Key": "k"})
    mine = client.post("/api/orders", {}, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert mine.status_code == 201


@pytest.mark.parametrize(
    ("body", "names"),
    [({"status": "Lost"}, "Lost"),
     ({"destination": {"lat": 91, "lng": 0}}, "destination.lat is 91.0; expected float <= 90.0"),
     ({"destination": {"lat": 1}}, "destination.lng is missing"), ({"colour": "red"}, "colour is 'red'; extra inputs"),
     ({"items": "a"}, "items is 'a'"), ({"due": "soon"}, "soon"), ({"orderId": " x"}, "orderId"),
     ({"customerName": "x" * 201}, "200")],
)  # fmt: skip
def test_what_the_topic_would_not_take_is_refused_with_its_rule(api, body, names):
    answer = api("POST", "/orders", body)
    assert answer.status_code == 422
    assert names in answer.json()["detail"]
    assert Outbox.objects.count() == Order.objects.count() == 0


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"'])
def test_a_body_that_is_no_object_is_refused(api, body):
    assert api("POST", "/orders", body).status_code in (400, 422)
    assert Outbox.objects.count() == 0


# --- changing ---------------------------------------------------------------------------------------------------------


def test_a_change_publishes_only_the_fields_that_are_given_and_null_empties_one(api):
    placed(note="old")
    changed = api("PATCH", "/orders/ORD-1", {"status": "Packed", "note": None})
    assert (changed.status_code, changed.json()["status"], changed.json()["note"]) == (200, "Packed", None)
    [(_, _, value)] = published()
    assert value.keys() == {"orderId", "status", "note", "timestamp", "by", "source"}


def test_a_step_that_may_not_follow_is_409_and_names_those_that_may(api):
    placed(status="Packed")
    refused = api("PATCH", "/orders/ORD-1", {"status": "Delivered", "note": "x"})
    assert refused.status_code == 409
    told = refused.json()
    assert (told["status"], told["allowed"]) == ("Packed", list(STEPS["Packed"]))
    assert "it may become Shipped" in told["detail"]
    assert published() == []


@pytest.mark.parametrize("others", [{}, {"note": "x"}])
def test_a_status_is_never_emptied(api, others):
    placed("ORD-1")
    before = Outbox.objects.count()
    answer = api("PATCH", "/orders/ORD-1", {"status": None} | others)
    assert (answer.status_code, Outbox.objects.count()) == (422, before), "a record that says nothing is a dead letter"
    assert answer.json()["detail"].startswith("status is empty; it takes one of Placed")


def test_a_change_of_nothing_or_of_no_order_is_refused(api):
    placed()
    services.delete_order(placed("ORD-2").pk, "ann")
    assert api("PATCH", "/orders/ORD-1", {}).status_code == 422
    assert [api("PATCH", f"/orders/{id}", {"note": "x"}).status_code for id in ("ORD-2", "none")] == [404, 404]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_an_order_is_read_from_redis_else_from_the_database_and_then_from_beside(api, redis):
    placed()
    missed = api("GET", "/orders/ORD-1")
    assert (missed["X-Cache"], missed.json()["customerName"]) == ("miss", "Sandeep")
    assert api("GET", "/orders/ORD-1")["X-Cache"] == "hit"
    assert redis.get("order:ORD-1") is None, "only workers write the state"
    in_redis(redis, status="Shipped")
    hit = api("GET", "/orders/ORD-1")
    assert (hit["X-Cache"], hit.json()["status"]) == ("hit", "Shipped")


def test_a_hit_asks_the_database_for_no_order(api, redis, django_assert_num_queries):
    in_redis(redis, status="Shipped")
    api("GET", "/orders/ORD-1")
    with django_assert_num_queries(1):  # the key
        assert api("GET", "/orders/ORD-1").status_code == 200


def test_a_deleted_order_is_gone_though_the_database_and_the_cache_know_it(api, redis):
    placed()
    api("GET", "/orders/ORD-1")
    in_redis(redis, deleted=True)
    assert api("GET", "/orders/ORD-1").status_code == 404
    assert api("GET", "/orders/none").status_code == 404


def test_an_id_with_a_slash_is_an_id(api):
    placed("A/1")
    assert api("GET", "/orders/A/1").json()["orderId"] == "A/1"
    assert api("GET", "/orders/A/1/timeline").json()[0]["status"] == "Placed"


def test_pages_go_on_where_the_last_one_ended_while_orders_change(api):
    for n in range(7):
        services.create_order({}, "ann", f"ORD-{n}", NOW + n // 2)
    seen, cursor = [], ""
    while cursor is not None:
        page = api("GET", f"/orders?limit=3&cursor={cursor}").json()
        seen += [order["orderId"] for order in page["orders"]]
        cursor = page["next"]
        if len(seen) == 3:
            services.change_order(seen[0], {"note": "x"}, "ann", NOW + 100)
    assert seen == ["ORD-6", "ORD-4", "ORD-5", "ORD-2", "ORD-3", "ORD-0", "ORD-1"]


def test_a_list_is_filtered_and_leaves_out_the_deleted(api):
    placed("ORD-1", status="Packed", courier="Asha")
    placed("ORD-2", status="Packed")
    services.delete_order(placed("ORD-3", status="Packed").pk, "ann")
    ids = lambda query: [order["orderId"] for order in api("GET", f"/orders?{query}").json()["orders"]]  # noqa: E731
    assert ids("status=Packed") == ["ORD-1", "ORD-2"]
    assert ids("status=Packed&courier=Asha") == ["ORD-1"]
    assert ids("status=Shipped") == []
    assert ids("status=shipped,packed&limit=1") == ["ORD-1"]
    wrong = api("GET", "/orders?status=Paked")
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("status has 'Paked'; it takes Placed")


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "cursor=bnVsbA", "limit=0", "limit=501", "limit=x"])
def test_a_cursor_or_limit_that_is_none_is_refused_in_words(api, query):
    answer = api("GET", f"/orders?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{query.split('=')[0]} is '")


def test_a_timeline_says_who_from_where_and_what_was_irregular(api):
    placed()
    api("PATCH", "/orders/ORD-1", {"status": "Packed"})
    newest, oldest = api("GET", "/orders/ORD-1/timeline").json()
    assert (newest["by"], newest["source"], newest["status"]) == ("shop", "api", "Packed")
    assert (newest["irregular"], oldest["irregular"], oldest["by"]) == (False, False, "ann")


# --- couriers and links -----------------------------------------------------------------------------------------------


def test_couriers_are_told_with_where_they_are(api):
    Courier.objects.create(name="Asha")
    Courier.objects.create(name="Ravi", active=False)
    placed(courier="Asha")
    services.move("Asha", 13, 80, "ann")
    asha, ravi = api("GET", "/couriers").json()
    assert (asha["name"], asha["openOrders"], asha["position"]["lat"]) == ("Asha", 1, 13)
    assert (ravi["active"], ravi["position"]) == (False, None)
    assert api("GET", "/couriers/Asha").json() == asha
    assert api("GET", "/couriers/Nobody").status_code == 404


def test_a_link_is_made_once_listed_and_revoked(api, client):
    placed()
    made = api("POST", "/orders/ORD-1/links")
    assert made.status_code == 201
    link = made.json()
    assert api("POST", "/orders/ORD-1/links").json() == link
    path = f"/track/{TrackingLink.objects.get().token}/"
    assert link["url"] == f"http://testserver{path}"
    assert client.get(path).status_code == 200
    assert api("DELETE", f"/orders/ORD-1/links/{link['id']}").status_code == 204
    assert client.get(path).status_code == 404
    assert [one["opens"] for one in api("GET", "/orders/ORD-1/links").json()] == [False]
    assert api("DELETE", "/orders/ORD-1/links/99").status_code == 404
    assert api("POST", "/orders/none/links").status_code == 404


def test_the_public_reads_its_order_with_exactly_the_listed_keys(client):
    services.create_order(FULL, "ann", "ORD-1")
    services.move("Jonas Weber", LAT, LNG, "ann")
    answer = client.get(f"/api/track/{services.tracking_link('ORD-1').token}")
    told = answer.json()
    assert told.keys() == {"order", "position"}
    assert told["order"].keys() <= ORDER_KEYS
    assert told["position"].keys() <= POSITION_KEYS
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
    assert client.get(f"/api/track/{'x' * 30}").status_code == 404


def test_with_redis_away_the_database_answers(api, settings):
    placed()
    settings.CACHES = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    answer = api("GET", "/orders/ORD-1")
    assert (answer.status_code, answer["X-Cache"]) == (200, "miss")


def test_the_api_is_documented(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/orders", "/api/orders/{order_id}", "/api/couriers", "/api/track/{token}"} <= paths.keys()
    assert paths["/api/orders"]["post"]["security"]
