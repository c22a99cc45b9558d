"""The courier's page: who may open it, what is taken from it, and that a repeat changes nothing."""

import json
import logging
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from orders import demo, services
from orders.courier import current_link, find_link, new_link, open_courier
from orders.courier_lens import CourierLens
from orders.models import Courier, Order, OrderEvent, Position, milliseconds
from orders.reports import MAX_REPORTS
from realtime import acks
from realtime.api import NOT_FOUND, Denied
from realtime.state.connection import client as redis_client
from realtime.testing import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]
OUT = "Out for delivery"


@pytest.fixture(autouse=True)
def clean(redis_url):
    redis_client().flushdb()


@pytest.fixture
def asha():
    return Courier.objects.create(name=IDS["Asha"])


@pytest.fixture
def link(asha):
    return new_link(asha)


def path_of(link):
    return reverse("orders:courier", args=[link.token])


def now():
    return milliseconds(timezone.now())


class Ids(dict):
    """Names in a test to ids of its own: topics outlive a test."""

    def __missing__(self, name):
        self[name] = f"{name}-{uuid.uuid4().hex[:8]}"
        return self[name]


IDS = Ids()


@pytest.fixture(autouse=True)
def fresh_ids():
    yield
    IDS.clear()


def packed(name="ORD-C1", courier="Asha", **more):
    fields = {"status": "Packed", "courier": IDS[courier], "customerName": "Ines", **more}
    return services.create_order(fields, "ann", IDS[name], now() - 3_600_000)


def step(status, name="ORD-C1", at=None, **more):
    made = {"id": str(uuid.uuid4()), "type": "step", "orderId": IDS[name], "status": status, "timestamp": at or now()}
    return made | more


def fix(at=None, **more):
    return {"id": str(uuid.uuid4()), "type": "fix", "lat": 13.08, "lng": 80.27, "timestamp": at or now(), **more}


@pytest.fixture
def send(client, link):
    def send(*reports, status=200, to=link):
        body = json.dumps({"reports": reports})
        response = client.post(reverse("orders:report", args=[to.token]), body, content_type="application/json")
        assert response.status_code == status, response.content
        return response.json()

    return send


# --- the link ---------------------------------------------------------------------------------------------------------


def test_the_page_opens_by_its_token_tells_nobody_and_is_kept_by_nobody(client, link):
    assert len(link.token) * 6 >= 128
    response = client.get(path_of(link))
    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert "no-store" in response["Cache-Control"]
    assert isinstance(open_courier(None, link.token, {}), CourierLens)


def revoke(link):
    link.revoked_at = timezone.now()


def expire(link):
    link.expires_at = timezone.now() - timedelta(seconds=1)


def dismiss(link):
    link.courier.active = False
    link.courier.save()


@pytest.mark.parametrize("end", [revoke, expire, dismiss])
def test_a_link_that_ended_is_a_plain_page_4404_and_takes_nothing(client, link, send, end, caplog):
    packed()
    end(link)
    link.save()
    with caplog.at_level(logging.DEBUG):
        response = client.get(path_of(link))
        send(step(OUT), status=404)
    assert response.status_code == 404
    assert "does not work" in response.content.decode()
    assert response["Referrer-Policy"] == "no-referrer"
    denied = open_courier(None, link.token, {})
    assert isinstance(denied, Denied)
    assert denied.code == NOT_FOUND
    assert link.token not in caplog.text


@pytest.mark.parametrize("token", ["x", "../admin", "a" * 22, "a" * 65, "ä" * 30])
def test_no_token_opens_nothing(token):
    assert find_link(token) is None


def test_the_admin_makes_shows_replaces_and_revokes_the_link(client, asha):
    client.force_login(User.objects.create_superuser("ann"))
    page = reverse("admin:orders_courier_change", args=[asha.pk])
    form = {"active": "on", "lat": "", "lng": ""}
    assert "No link works" in client.get(page).content.decode()
    client.post(page, form | {"_new_link": "1"})
    first = current_link(asha)
    assert f"http://testserver{path_of(first)}" in client.get(page).content.decode()
    client.post(page, form | {"_new_link": "1"})
    second = current_link(asha)
    assert second != first
    assert find_link(first.token) is None
    client.post(page, form | {"_revoke_link": "1"})
    assert current_link(asha) is None


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_steps_and_positions_arrive_with_their_own_times_and_a_repeat_changes_nothing(send, kafka_bootstrap):
    packed()
    drain()
    start = now() - 600_000
    reports = [
        step(OUT, at=start),
        fix(start + 1000, source="staff", timescale=60, accuracy=9, name=IDS["Ravi"], orderId=IDS["ORD-C1"]),
        step("Failed attempt", at=start + 2000, note="Nobody at home"),
        step(OUT, at=start + 3000), step("Delivered", at=start + 4000),
    ]  # fmt: skip
    answers = []
    for _ in range(2):
        answers.append(send(*reports))
        drain()
        row, position = Order.objects.get(pk=IDS["ORD-C1"]), Position.objects.get(pk=IDS["Asha"])
        assert (row.status, row.times["Delivered"]) == ("Delivered", start + 4000)
        assert (position.timestamp, position.source, position.order_id) == (start + 1000, "courier", IDS["ORD-C1"])
        told = OrderEvent.objects.filter(order=IDS["ORD-C1"], by=IDS["Asha"]).order_by("time")
        assert [event.status for event in told] == [OUT, "Failed attempt", OUT, "Delivered"]
        assert [event.source for event in told] == ["courier page"] * 4
        assert told[1].note == "Nobody at home"
        assert redis_client().zcard(f"timeline:{IDS['ORD-C1']}") == 5, "a repeat stands in the timeline"
    assert answers[0] == {"accepted": [one["id"] for one in reports], "refused": []} == answers[1]
    assert not Position.objects.filter(pk=IDS["Ravi"]).exists()


def test_what_happened_is_merged_even_where_the_table_would_refuse_it(send, kafka_bootstrap):
    packed()
    drain()
    at = now() - 60_000
    services.change_order(IDS["ORD-C1"], {"status": "Cancelled"}, "ann")
    assert send(step("Delivered", at=at))["refused"] == []
    drain()
    assert Order.objects.get(pk=IDS["ORD-C1"]).status == "Cancelled", "what came later wins"
    assert OrderEvent.objects.filter(order=IDS["ORD-C1"], status="Delivered", time=at).exists()


def test_a_step_from_before_an_order_was_given_to_somebody_else_is_still_a_report(send, kafka_bootstrap):
    packed()
    at = now() - 60_000
    services.change_order(IDS["ORD-C1"], {"courier": IDS["Ravi"]}, "ann")
    assert send(step(OUT, at=at))["refused"] == []
    drain()
    row = Order.objects.get(pk=IDS["ORD-C1"])
    assert (row.status, row.courier) == (OUT, IDS["Ravi"])


def test_only_what_concerns_the_couriers_own_orders_is_taken(send, kafka_bootstrap):
    packed()
    packed("ORD-C2", "Ravi")
    packed("ORD-C3")
    services.change_order(IDS["ORD-C3"], {"status": "Cancelled"}, "ann", now() - 1_800_000)
    wrong = {
        "not among your orders": [step(OUT, "ORD-C2"), step(OUT, "ORD-NONE")],
        "cancelled already": [step("Delivered", "ORD-C3")],
        "it takes": [step("Returned"), step("Placed"), step("packed up")],
        "a note": [step("Failed attempt"), step("Failed attempt", note="  ")],
        "future": [step(OUT, at=now() + 600_000), fix(now() + 600_000)],
        "older than a week": [fix(now() - 8 * 86_400_000)],
        "lat": [fix(lat=91)],
        "accuracy": [fix(accuracy=-1)],
        "id": [fix(id="short"), fix(id="x" * 65), fix(id="<script>alert(1)</script>")],
    }
    answer = send(*(one for some in wrong.values() for one in some))
    assert answer["accepted"] == []
    reasons = iter(answer["refused"])
    by_id = {one["id"]: one["reason"] for one in reasons}
    for words, reports in wrong.items():
        for report in reports:
            assert words in by_id[report["id"]], report
    drain()
    assert not Position.objects.filter(pk=IDS["Asha"]).exists()
    assert OrderEvent.objects.filter(by=IDS["Asha"]).count() == 0


def test_a_fix_does_not_carry_an_order_that_is_not_the_couriers(send, kafka_bootstrap):
    packed("ORD-C2", "Ravi")
    assert len(send(fix(orderId=IDS["ORD-C2"]))["accepted"]) == 1
    drain()
    assert Position.objects.get(pk=IDS["Asha"]).order_id == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"reports":1}', b"\xff", b'{"reports":[' * 5000])
def test_a_body_that_is_no_list_of_reports_is_told_so(client, link, body):
    path = reverse("orders:report", args=[link.token])
    response = client.post(path, body, content_type="application/json")
    assert response.status_code == 400
    assert "reports" in response.json()["detail"]


def test_too_much_at_once_is_refused(client, link, send):
    assert "at most" in send(*[1] * (MAX_REPORTS + 1), status=400)["detail"]
    path = reverse("orders:report", args=[link.token])
    assert client.post(path, b"x" * 300_000, content_type="application/json").status_code == 413
    for _ in range(200):
        response = client.post(path, b'{"reports":[1]}', content_type="application/json")
        if response.status_code == 429:
            break
    assert int(response["Retry-After"]) >= 1


def test_with_kafka_away_nothing_is_promised(send, settings, monkeypatch):
    settings.KAFKA_BOOTSTRAP_SERVERS = ["127.0.0.1:1"]
    monkeypatch.setattr("orders.courier_views.acked_publish", acks.Publisher(deadline_s=0.5).publish)
    assert "Send this again" in send(fix(), status=503)["detail"]


def test_the_demo_gives_a_courier_link_whose_courier_nobody_simulates(client):
    pages = demo.seed()
    [path] = [path for path in pages if path.startswith("/courier/")]
    assert client.get(path).status_code == 200
    assert demo.seed().keys() == pages.keys()
