"""Judges the rules of alerts, and opens and resolves incidents; a duty of one archive worker at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction

from logs import window
from logs.alert_models import AlertRule, Incident, Notice
from logs.alert_words import body_of, stands
from logs.alerts import Known, State, Verdict, counted, earliest, judge
from logs.events import TOPIC
from logs.lens import SERVICES, SINCE
from realtime.api import Duty, Span, Survey, Tally, survey

EVERY_S = 2.0
OFF, CHANGED = "the rule was switched off", "the rule was changed"


def check(now: float) -> None:
    """Judges each rule once; `now` in Unix seconds. Raises StateAway, and then nothing has changed."""
    rules = list(AlertRule.objects.prefetch_related("recipients"))
    if rules:
        settle(rules, survey(TOPIC, spans(rules, int(now)), (SINCE, SERVICES)), int(now))


def settle(rules: Sequence[AlertRule], surveyed: Survey, now: int) -> None:
    """Writes what follows from a survey: for rules, incidents, and who is to be told, in one transaction.

    The rows of rules are locked meanwhile, one that changed since it was read is left for the next time, and a second
    open incident of a rule violates a constraint: two workers at once do no harm.
    """
    known = known_from(surveyed, now)
    with transaction.atomic():
        held = {rule.pk: rule for rule in AlertRule.objects.select_for_update().order_by("pk")}
        open_now = {one.rule_id: one for one in Incident.objects.filter(resolved_at=None, rule__in=held)}
        judged = [rule for rule in rules if rule.pk in held and same(rule, held[rule.pk])]
        for rule in judged:
            _settle(rule, surveyed.totals, known, open_now.get(rule.pk))
        AlertRule.objects.bulk_update(judged, ["looked", "checked_at", "says"])


def same(read: AlertRule, held: AlertRule) -> bool:
    """Whether nobody changed or judged a rule since it was read."""
    return (read.rule, read.active, read.looked) == (held.rule, held.active, held.looked)


def spans(rules: Sequence[AlertRule], now: int) -> list[Span]:
    """What to read of the counts: for each tally from the earliest second that a rule asks for."""
    nothing = Known(now, None, None)
    first: dict[Tally, int] = {}
    for rule in rules:
        if rule.active:
            asked = earliest(rule.rule, nothing, rule.looked)
            first[rule.rule.tally] = min(asked, first.get(rule.rule.tally, asked))
    return [Span(tally, second - 10, now + 60) for tally, second in first.items()]


def known_from(surveyed: Survey, now: int) -> Known:
    """What a survey can be relied upon for; seconds are rounded to where it surely can."""
    since, services = surveyed.values[SINCE], window.read_services(surveyed.values[SERVICES])
    begins = None if since is None else -(-int(msgspec.json.decode(since, type=float)) // 1000)
    return Known(now, begins, surveyed.until, surveyed.why, services)


def _settle(
    rule: AlertRule, totals: Mapping[tuple[Tally, int, str], int], known: Known, incident: Incident | None
) -> None:
    """Notes how a rule stands, and what follows for its incident."""
    at = datetime.fromtimestamp(known.now, UTC)
    rule.checked_at = at
    if incident and not (rule.active and incident.met == rule.rule):
        _resolve(rule, incident, at, CHANGED if rule.active else OFF)
        incident, rule.looked = None, known.until
    if not rule.active:
        rule.looked, rule.says = None, "switched off"
        return
    verdict = judge(rule.rule, counted(rule.rule, totals), known, rule.looked)
    if verdict.state is State.FIRES:
        _open(rule, incident, verdict, at)
    elif verdict.state is State.CALM and incident:
        _resolve(rule, incident, at, "")
    if verdict.state is not State.UNKNOWN and known.until is not None:
        rule.looked = max(rule.looked or 0, known.until)
    rule.says = stands(rule.rule, verdict, rule.says)[:200]


def _open(rule: AlertRule, incident: Incident | None, verdict: Verdict, at: datetime) -> None:
    """Opens an incident, or notes that it is still there and reminds of it."""
    seen = datetime.fromtimestamp(verdict.at, UTC)
    if incident is None:
        times = {"opened_at": at, "seen_at": seen, "told_at": at}
        condition = list(rule.rule)
        incident = Incident(rule=rule, condition=condition, service=rule.service, lines=verdict.lines, **times)
        incident.save()
        _tell(rule, incident, Notice.OPENED, at)
        return
    incident.seen_at, incident.lines = max(seen, incident.seen_at), max(verdict.lines, incident.lines)
    if rule.remind_s and at - incident.told_at >= timedelta(seconds=rule.remind_s):
        incident.told_at = at
        _tell(rule, incident, Notice.OPEN, at)
    incident.save()


def _resolve(rule: AlertRule, incident: Incident, at: datetime, reason: str) -> None:
    incident.resolved_at, incident.reason = at, reason
    incident.save()
    _tell(rule, incident, Notice.RESOLVED, at)


def _tell(rule: AlertRule, incident: Incident, state: str, at: datetime) -> None:
    body = msgspec.json.encode(body_of(incident, rule.name, state, at)).decode()
    told: list[Any] = [
        Notice(incident=incident, recipient=recipient, state=state, body=body, next_at=at)
        for recipient in rule.recipients.all()
        if recipient.active
    ]
    Notice.objects.bulk_create(told)


ALERTS = Duty("alerts", EVERY_S, check)
