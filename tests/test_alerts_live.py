"""Alerts over the whole system: a flood of errors, one incident, a real receiver, worker and sender killed."""

import json
import uuid

from playwright.sync_api import expect
from standardwebhooks.webhooks import Webhook as Verifier

from tests.receiver import receiving
from tests.servers import wait_until
from tests.test_log_browser import send

MAKE = """
from logs.models import AlertRule, Recipient
to = Recipient.objects.create(address={url!r})
rule = AlertRule.objects.create(name={name!r}, service={service!r}, lines=20, span_s=10, remind_s=2)
rule.recipients.add(to)
print(to.secret)
"""
REFUSED = """
from logs.models import Notice
print(Notice.objects.filter(incident__service={service!r}, attempts__gt=0).exists())
"""
STANDS = """
import json
from logs.models import Incident
rows = Incident.objects.filter(service={service!r}).values_list("id", "resolved_at", "seen_at", "lines")
print(json.dumps([[id, bool(over), seen.timestamp(), lines] for id, over, seen, lines in rows]))
"""


def test_a_flood_is_one_incident_though_worker_and_sender_are_killed(stack, staff_page, settings):
    service = f"al-{uuid.uuid4().hex[:6]}"
    flood = [json.dumps({"service": service, "level": "ERROR", "message": f"no {n}"}).encode() for n in range(40)]
    stack.add("sender", "manage.py", "send_webhooks").start()
    try:
        with receiving() as receiver:
            receiver.status = 503
            secret = stack.python(MAKE.format(url=receiver.url, name=f"{service} fails", service=service)).strip()
            send(settings, stack, service, *flood)
            wait_until(lambda: receiver.got, 30)
            wait_until(lambda: stack.python(REFUSED.format(service=service)).strip() == "True", 30)
            stack.kill("sender")
            stack.kill("archive")
            receiver.status = 200
            staff_page.goto(f"{stack.base_url}/logs/")
            row = staff_page.locator(".incident", has_text=f"{service} fails")
            expect(row).to_be_visible()
            expect(row).to_contain_text("at least 20 lines of ERROR or worse")
            [[incident, over, seen, lines]] = json.loads(stack.python(STANDS.format(service=service)))
            assert (over, lines) == (False, 40)
            send(settings, stack, service, *flood)
            stack.restart("archive")
            stack.restart("sender")
            wait_until(lambda: said(receiver, secret) & {"open"}, 60)
            wait_until(lambda: "resolved" in said(receiver, secret), 60)
            expect(row).to_have_count(0, timeout=15_000)
            [[same, over, later, _]] = json.loads(stack.python(STANDS.format(service=service)))
            assert (same, over) == (incident, True)
            assert later > seen
            assert {told["incident"] for told in all_told(receiver, secret)} == {incident}
            wait_until(lambda: said(receiver, secret) == {"opened", "open", "resolved"}, 30)
            [link] = {told["url"] for told in all_told(receiver, secret)}
            assert link.endswith(f"/logs/?services={service}&levels=ERROR,FATAL")
    finally:
        stack.processes.pop("sender").stop()
        stack.python(f"from logs.models import AlertRule; AlertRule.objects.filter(service={service!r}).delete()")


def all_told(receiver, secret):
    """What the receiver was told and said yes to, each checked by its signature."""
    return [Verifier(secret).verify(body, headers)["data"] for headers, body in receiver.taken]


def said(receiver, secret):
    return {told["state"] for told in all_told(receiver, secret)}
