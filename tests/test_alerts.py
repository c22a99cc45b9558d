"""Alerts: rules are judged from Redis's counts, an incident is one row while it lasts, and recipients are told."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier

from logs.alert_models import AlertRule, Incident, Notice, Recipient
from logs.alert_page import NOBODY, standing
from logs.alerting import check, settle, spans
from logs.lens import SERVICES, SINCE
from logs.models import LogStream
from logs.outgoing import send_due
from logs.retention import prune
from realtime.api import survey
from tests.receiver import receiving

pytestmark = pytest.mark.django_db
HOUR = 3_600


class Counts:
    """What live workers leave in Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        client.flushdb()
        self.now = int(time.time())
        client.set("stream:epoch", f"e1:{client.info('server')['run_id']}")
        client.set("logs:services", json.dumps(["auth", "pay"]))
        client.hset("stream:ends", "service-logs:0", 5)
        self.complete(self.now - HOUR)
        self.vouch()

    def complete(self, since: int) -> None:
        self.client.set("logs:counts:since", since * 1000)

    def vouch(self, behind: int = 0) -> None:
        """A live worker heard of the topic's end just now, and has applied all but some of it."""
        self.client.hset("stream:reach", "service-logs:0", 8 + behind)
        self.client.hset("stream:applied", "service-logs:0", "life:7")
        self.client.hset("stream:heard", "service-logs:0", int(time.time()))

    def lines(self, n: int, ago_s: int = 0, service: str = "pay", level: str = "ERROR") -> None:
        second = self.now - ago_s
        self.client.hincrby(f"logs:counts:s:{second - second % 60}", f"{second}|{level}|{service}", n)


@pytest.fixture
def counts(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield Counts(client)
        client.flushdb()


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def hook(receiver):
    return Recipient.objects.create(address=receiver.url)


def rule(*recipients, **said):
    made = AlertRule.objects.create(**{"name": "Payments fail", "service": "pay", "lines": 5, "span_s": 60, **said})
    made.recipients.set(recipients)
    return made


def told():
    return list(Notice.objects.order_by("id").values_list("state", flat=True))


# --- incidents --------------------------------------------------------------------------------------------------------


def test_a_rule_that_is_met_opens_one_incident_which_goes_on_is_reminded_of_and_is_resolved(counts, hook):
    made = rule(hook, remind_s=30)
    counts.lines(4)
    check(counts.now)
    assert not Incident.objects.exists()
    counts.lines(3)
    check(counts.now + 2)
    check(counts.now + 4)
    [incident] = Incident.objects.all()
    assert (incident.lines, incident.resolved_at, told()) == (7, None, ["opened"])
    assert incident.seen_at == datetime.fromtimestamp(counts.now + 4, UTC)
    counts.lines(2)
    check(counts.now + 40)
    incident.refresh_from_db()
    assert (incident.lines, told()) == (9, ["opened", "open"])
    made.refresh_from_db()
    AlertRule.objects.update(looked=counts.now + 70)  # what a worker leaves that judged until then
    check(counts.now + 75)
    incident.refresh_from_db()
    assert incident.resolved_at == datetime.fromtimestamp(counts.now + 75, UTC)
    assert told() == ["opened", "open", "resolved"]
    made.refresh_from_db()
    assert made.says == "calm, 0 lines"


def test_a_rule_has_at_most_one_open_incident(counts):
    made = rule()
    counts.lines(5)
    check(counts.now)
    [incident] = Incident.objects.all()
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.create(
            rule=made,
            condition=incident.condition,
            opened_at=timezone.now(),
            seen_at=timezone.now(),
            told_at=timezone.now(),
        )


def test_what_passed_while_no_worker_judged_is_told_by_the_next(counts, hook):
    rule(hook)
    AlertRule.objects.update(looked=counts.now - 900)
    counts.lines(9, ago_s=600)
    check(counts.now)
    assert (told(), Incident.objects.get().lines) == (["opened"], 9)
    check(counts.now + 5)
    assert told() == ["opened", "resolved"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"active": False}, "the rule was switched off"), ({"lines": 500}, "the rule was changed")],
)
def test_an_incident_of_a_rule_that_is_no_more_is_resolved_and_says_why(counts, hook, change, reason):
    rule(hook)
    counts.lines(5)
    check(counts.now)
    AlertRule.objects.update(**change)
    check(counts.now + 2)
    incident = Incident.objects.get()
    assert incident.resolved_at is not None
    assert (incident.reason, told()) == (reason, ["opened", "resolved"])
    assert json.loads(Notice.objects.first().body)["data"]["reason"] == reason


def test_before_counts_are_complete_no_rule_fires_and_each_says_so(counts):
    rule(span_s=60)
    rule(name="Silent", kind="silence", service="auth", span_s=60)
    counts.complete(counts.now - 30)
    counts.lines(99)
    check(counts.now)
    assert not Incident.objects.exists()
    says = set(AlertRule.objects.values_list("says", flat=True))
    since = datetime.fromtimestamp(counts.now - 30, UTC).strftime("%H:%M:%S")
    assert says == {f"cannot be judged: counts are complete only since {since} UTC"}
    why = [one["why"] for one in standing(frozenset(), timezone.now())["unknown"]]
    assert why == [f"counts are complete only since {since} UTC"] * 2


def test_silence_is_told_and_ends_with_a_line(counts, hook):
    rule(hook, name="Silent", kind="silence", span_s=60)
    counts.lines(1, ago_s=50, level="DEBUG")
    check(counts.now)
    assert not Incident.objects.exists()
    counts.client.delete(*counts.client.keys("logs:counts:s:*"))
    counts.lines(1, ago_s=90, level="DEBUG")
    AlertRule.objects.update(looked=None)
    check(counts.now)
    assert told() == ["opened"]
    AlertRule.objects.update(looked=counts.now - 4)
    counts.lines(1, ago_s=4, level="DEBUG")
    check(counts.now)
    assert told() == ["opened", "resolved"]


@pytest.mark.parametrize("away", ["behind", "gone", "rebuilt"])
def test_a_silence_is_not_believed_while_nobody_vouches_for_the_counts(counts, away):
    rule(kind="silence")
    if away == "behind":
        counts.vouch(behind=3)
    elif away == "gone":
        counts.client.hset("stream:heard", "service-logs:0", counts.now - 20)
    else:
        counts.client.delete("stream:epoch")
    check(counts.now)
    assert not Incident.objects.exists()
    says = AlertRule.objects.get().says
    expected = {"behind": "3 records behind", "gone": "no live worker", "rebuilt": "being rebuilt"}
    assert expected[away] in says
    counts.vouch()
    counts.client.set("stream:epoch", f"e2:{counts.client.info('server')['run_id']}")
    check(counts.now)
    assert Incident.objects.exists(), "the rule is met as soon as somebody vouches"


def test_two_workers_that_judge_at_once_tell_once(counts, hook):
    rule(hook)
    counts.lines(5)
    one, other = list(AlertRule.objects.all()), list(AlertRule.objects.all())
    surveyed = survey("service-logs", spans(one, counts.now), (SINCE, SERVICES))
    settle(one, surveyed, counts.now)
    settle(other, surveyed, counts.now)
    assert (Incident.objects.count(), told()) == (1, ["opened"])


def test_rules_that_nobody_judges_say_so(counts):
    rule()
    assert standing(frozenset(), timezone.now())["unknown"] == [{"rule": "Payments fail", "why": NOBODY}]
    counts.vouch()
    check(counts.now)
    assert standing(frozenset(), timezone.now())["unknown"] == []
    later = timezone.now() + timedelta(minutes=1)
    assert standing(frozenset(), later)["unknown"] == [{"rule": "Payments fail", "why": NOBODY}]


# --- who is told ------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_incident_signed_with_its_id_and_the_filtered_view(counts, hook, receiver, settings):
    settings.SITE_URL = "https://sight.example"
    rule(hook)
    counts.lines(5)
    check(counts.now)
    assert send_due(timezone.now()) == 1
    [(_, headers, body)] = receiver.got
    said = Verifier(hook.secret).verify(body, headers)
    incident = Incident.objects.get()
    data = said["data"]
    assert (said["type"], data["incident"], data["state"]) == ("logs.incident", incident.pk, "opened")
    assert data["condition"] == "at least 5 lines of ERROR or worse in pay within 60 s"
    assert data["url"] == "https://sight.example/logs/?services=pay&levels=ERROR,FATAL"
    assert data["archive"].startswith("https://sight.example/logs/search/?services=pay&levels=ERROR,FATAL&since=")
    assert Notice.objects.get().delivered_at is not None


def test_a_sender_that_dies_after_the_receiver_said_yes_repeats_with_the_same_id(counts, hook, receiver, monkeypatch):
    rule(hook)
    counts.lines(5)
    check(counts.now)
    now = timezone.now()
    with monkeypatch.context() as dying:
        dying.setattr("realtime.deliveries._note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            send_due(now)
    assert Notice.objects.get().delivered_at is None
    assert send_due(now + timedelta(seconds=30)) == 0, "another sender may still be at it"
    assert send_due(now + timedelta(minutes=3)) == 1
    first, second = (headers["webhook-id"] for _, headers, _ in receiver.got)
    assert first == second
    assert Notice.objects.get().delivered_at is not None


def test_an_email_says_what_and_where_and_is_tried_again_where_no_server_takes_it(counts, settings):
    rule(Recipient.objects.create(address="oncall@example.org"))
    counts.lines(5)
    check(counts.now)
    now = timezone.now()
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    send_due(now)
    notice = Notice.objects.get()
    assert notice.delivered_at is None
    assert notice.answer.startswith("Not sent:")
    assert timedelta(seconds=5) <= notice.next_at - now <= timedelta(seconds=6.1)
    settings.EMAIL_BACKEND = works
    assert send_due(notice.next_at) == 1
    [letter] = mail.outbox
    incident = Incident.objects.get()
    assert letter.to == ["oncall@example.org"]
    assert letter.subject == f"Incident {incident.pk} opened: Payments fail"
    assert "at least 5 lines of ERROR or worse in pay within 60 s" in letter.body
    assert "/logs/?services=pay&levels=ERROR,FATAL" in letter.body
    assert letter.extra_headers["Message-ID"] == f"<{notice.message_id}@127.0.0.1>"


def test_who_is_switched_off_is_not_told(counts, receiver, hook):
    rule(hook)
    counts.lines(5)
    check(counts.now)
    Recipient.objects.update(active=False)
    send_due(timezone.now())
    assert receiver.got == []
    assert Notice.objects.get().next_at is None


@pytest.mark.parametrize("address", ["ftp://example.com/x", "nobody", "javascript://x", "a@b@c"])
def test_an_address_that_nobody_has_is_refused(client, address):
    client.force_login(User.objects.create_superuser("ann"))
    page = client.post(reverse("admin:logs_recipient_add"), {"address": address, "active": "on"})
    assert "is neither an address with http:// or https:// nor one of e-mail" in page.content.decode()
    assert not Recipient.objects.exists()


def test_incidents_are_forgotten_three_months_after_they_are_over(counts):
    rule()
    counts.lines(5)
    check(counts.now)
    later = timezone.now() + timedelta(days=100)
    prune(later)
    assert Incident.objects.count() == 1, "an open one stays"
    Incident.objects.update(resolved_at=timezone.now())
    prune(later)
    assert not Incident.objects.exists()


# --- who may see it ---------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(db):
    """Staff who may see logs and change rules, but no line of `pay`."""
    LogStream.objects.create(service="pay").groups.add(Group.objects.create(name="payers"))
    clerk = User.objects.create_user("clerk", is_staff=True)
    names = ("view_logstream", "view_alertrule", "change_alertrule", "add_alertrule", "view_incident", "view_notice")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return clerk


def test_incidents_of_a_stream_that_one_may_not_see_are_shown_nowhere(counts, client, clerk):
    recipient = Recipient.objects.create(address="x@example.org")
    for name, service in (("Secret pay", "pay"), ("Of all", ""), ("Open auth", "auth")):
        rule(recipient, name=name, service=service)
    counts.lines(5)
    counts.lines(5, service="auth")
    check(counts.now)
    assert Incident.objects.count() == 3
    pages = ("logs:live", "logs:incidents", "admin:logs_alertrule_changelist", "admin:logs_incident_changelist",
             "admin:logs_notice_changelist")  # fmt: skip
    for user, seen in ((clerk, ["Open auth"]), (User.objects.create_superuser("root"), ["Open auth", "Secret pay"])):
        client.force_login(user)
        for page in pages:
            text = client.get(reverse(page)).content.decode()
            for name in ("Open auth", "Secret pay", "Of all"):
                assert (name in text) == (name in seen or user.is_superuser), (page, name, user.username)
    shown = client.get(reverse("admin:logs_incident_change", args=[Incident.objects.get(service="pay").pk]))
    assert shown.status_code == 200
    client.force_login(clerk)
    hidden = client.get(reverse("admin:logs_incident_change", args=[Incident.objects.get(service="pay").pk]))
    assert hidden.status_code == 302


@pytest.mark.parametrize(("service", "status"), [("pay", 200), ("", 200), ("auth", 302)])
def test_nobody_makes_a_rule_for_what_they_may_not_see(client, clerk, service, status):
    client.force_login(clerk)
    form = {"name": "Mine", "kind": "many", "service": service, "level": "ERROR", "lines": 1, "span_s": 60}
    page = client.post(reverse("admin:logs_alertrule_add"), {**form, "remind_s": 0, "active": "on"})
    assert page.status_code == status
    assert AlertRule.objects.filter(name="Mine").exists() == (status == 302)


@pytest.mark.parametrize("said", [{"span_s": 5}, {"span_s": 90_000}, {"lines": 0}, {"level": "LOUD"}])
def test_a_rule_that_cannot_be_is_refused(client, said):
    client.force_login(User.objects.create_superuser("ann"))
    form = {"name": "R", "kind": "many", "service": "", "level": "ERROR", "lines": 1, "span_s": 60, "remind_s": 0}
    assert client.post(reverse("admin:logs_alertrule_add"), {**form, **said}).status_code == 200
    assert client.post(reverse("admin:logs_alertrule_add"), form).status_code == 302
