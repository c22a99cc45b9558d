"""Webhooks: every change of status is noted in its own transaction, signed, and told until the receiver says yes."""

import json
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from orders import services
from orders.archive import archive_orders
from orders.events import OrderEvent, decode_order
from orders.facts import facts_of
from orders.outgoing import send_due
from orders.webhook_models import Webhook, WebhookDelivery
from realtime.api import Record, Stamp
from realtime.deliveries import WAITS_S
from realtime.management.commands.send_webhooks import run
from realtime.models import Outbox
from tests.receiver import receiving
from tests.servers import wait_until
from tests.test_order_admin import NOW, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def hook(receiver):
    return Webhook.objects.create(url=receiver.url)


def event(time, offset, **said):
    return OrderEvent(f"e-{offset}", "ORD-1", Stamp(time, 0, offset), facts_of(said), "order-updates")


def archive(*events):
    with transaction.atomic():
        archive_orders(events)


def noted():
    bodies = [json.loads(row.body)["data"] for row in WebhookDelivery.objects.order_by("id")]
    return [(body["before"], body["status"]) for body in bodies]


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_save_is_noted_once_though_its_record_comes_back_from_kafka(hook):
    placed()
    services.change_order("ORD-1", {"status": "Packed", "note": "x"}, "ann", NOW + 5)
    services.change_order("ORD-1", {"note": "y"}, "ann", NOW + 6)
    headers = lambda row: (("ce_id", row.event_id.encode()),)  # noqa: E731
    for offset, row in enumerate(Outbox.objects.order_by("id")):
        record = Record("order-updates", "k", 0, offset, NOW + 50, b"ORD-1", bytes(row.value), headers(row))
        archive(*decode_order(record))
    assert noted() == [(None, "Placed"), ("Placed", "Packed")]


def test_every_change_that_kafka_reports_is_noted_once_however_often_it_is_read(hook):
    events = [event(NOW, 0, status="Placed"), event(NOW + 1, 1, status="Packed"), event(NOW + 2, 2, note="n")]
    archive(*events)
    archive(*events)
    assert noted() == [(None, "Placed"), ("Placed", "Packed")]


def test_a_late_event_that_changes_nothing_of_now_is_not_told(hook):
    archive(event(NOW + 9, 1, status="Shipped"))
    archive(event(NOW, 2, status="Packed"))
    archive(event(NOW + 10, 3, deleted=True, status="Delivered"))
    assert noted() == [(None, "Shipped")]


def test_only_the_chosen_statuses_and_only_active_webhooks(hook):
    Webhook.objects.create(url="http://127.0.0.1:1/some", statuses=["Delivered"])
    Webhook.objects.create(url="http://127.0.0.1:1/off", active=False)
    archive(event(NOW, 0, status="Packed"), event(NOW + 1, 1, status="Delivered"))
    told = WebhookDelivery.objects.order_by("id").values_list("webhook__url", "body")
    assert sorted((url.rpartition("/")[2], json.loads(body)["data"]["status"]) for url, body in told) == [
        ("hook", "Delivered"), ("hook", "Packed"), ("some", "Delivered"),
    ]  # fmt: skip


def test_nothing_is_noted_of_a_change_that_is_rolled_back(hook):
    def create_and_fail():
        with transaction.atomic():
            services.create_order({}, "ann", "ORD-1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        create_and_fail()
    assert noted() == []


# --- how it is told ---------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_and_names_no_customer(hook, receiver):
    placed(courier="Asha", note="secret")
    assert send_due() == 1
    [(path, headers, body)] = receiver.got
    assert path == "/hook"
    told = Verifier(hook.secret).verify(body, headers)
    assert told["type"] == "order.status"
    assert told["data"] == {"orderId": "ORD-1", "status": "Placed", "before": None, "timestamp": NOW, "courier": "Asha"}
    with pytest.raises(WebhookVerificationError):
        Verifier(hook.secret).verify(body.replace(b"ORD-1", b"ORD-2"), headers)
    row = WebhookDelivery.objects.get()
    assert (row.attempts, row.next_at, row.answer) == (1, None, "200 said the receiver")
    assert row.delivered_at is not None
    assert send_due() == 0


@pytest.mark.parametrize("status", [500, 404, 429, 302])
def test_whatever_is_no_yes_is_tried_again_later_with_the_same_id(hook, receiver, status):
    placed()
    receiver.status = status
    now = timezone.now()
    send_due(now)
    row = WebhookDelivery.objects.get()
    assert timedelta(seconds=5) <= row.next_at - now <= timedelta(seconds=6.1)
    assert row.answer.startswith(str(status))
    receiver.status = 204
    assert send_due(now) == 0, "it came too early"
    assert send_due(row.next_at) == 1
    first, second = (headers["webhook-id"] for _, headers, _ in receiver.got)
    assert first == second
    assert {path for path, _, _ in receiver.got} == {"/hook"}, "a redirect was followed"
    assert WebhookDelivery.objects.get().delivered_at is not None


def test_the_waits_grow_and_after_the_last_it_is_given_up():
    Webhook.objects.create(url="http://127.0.0.1:1/nobody")
    placed()
    now, waits = timezone.now(), []
    while (row := WebhookDelivery.objects.get()).next_at is not None:
        now = max(now, row.next_at)
        send_due(now)
        if after := WebhookDelivery.objects.get().next_at:
            waits.append((after - now).total_seconds())
    assert [round(wait / planned, 1) for wait, planned in zip(waits, WAITS_S, strict=True)] == [
        pytest.approx(1.1, abs=0.11)
    ] * len(WAITS_S)
    row = WebhookDelivery.objects.get()
    assert (row.attempts, row.delivered_at) == (len(WAITS_S) + 1, None)
    assert row.answer.startswith("No answer")


def test_a_receiver_that_is_gone_for_good_switches_its_webhook_off(hook, receiver):
    placed()
    receiver.status = 410
    send_due()
    hook.refresh_from_db()
    assert not hook.active
    assert WebhookDelivery.objects.get().next_at is None


def test_two_senders_do_not_send_the_same(hook, receiver):
    placed()
    [row] = WebhookDelivery.objects.all()
    now = timezone.now()
    assert WebhookDelivery.objects.claim(row, now)
    assert not WebhookDelivery.objects.claim(row, now)
    assert send_due(now) == 0
    assert send_due(now + timedelta(minutes=3)) == 1, "a sender that died kept it for good"


@pytest.mark.django_db(transaction=True)
def test_the_command_sends_until_it_is_told_to_stop(hook, receiver):
    placed()
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: receiver.got)
    finally:
        stop.set()
        thread.join()


def test_the_admin_shows_what_was_answered_and_sends_again(client, hook, receiver):
    client.force_login(User.objects.create_superuser("ann"))
    placed()
    send_due()
    page = client.get(reverse("admin:orders_webhookdelivery_changelist")).content.decode()
    assert "200 said the receiver" in page
    chosen = {"action": "send_again", "_selected_action": [WebhookDelivery.objects.get().pk]}
    assert client.post(reverse("admin:orders_webhookdelivery_changelist"), chosen).status_code == 302
    assert send_due() == 1
    assert len(receiver.got) == 2


def test_staff_make_a_webhook_and_see_its_secret(client):
    client.force_login(User.objects.create_superuser("ann"))
    add = reverse("admin:orders_webhook_add")
    assert client.post(add, {"url": "ftp://example.com/x", "active": "on"}).status_code == 200
    made = {"url": "https://example.com/x", "active": "on", "statuses": ["Delivered"]}
    assert client.post(add, made).status_code == 302
    hook = Webhook.objects.get()
    assert (hook.statuses, hook.secret[:6]) == (["Delivered"], "whsec_")
    assert hook.secret in client.get(reverse("admin:orders_webhook_change", args=[hook.pk])).content.decode()
