"""Incidents in words: for the page, the webhook and the e-mail."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from logs.alert_models import Incident
from logs.alerts import MANY, Rule, State, Verdict

TYPE = "logs.incident"


def condition(rule: Rule) -> str:
    """ "at least 10 lines of ERROR or worse in payment within 300 s"."""
    where = f"in {rule.service}" if rule.service else "in all services"
    if rule.kind == MANY:
        worse = "" if rule.level == "FATAL" else " or worse"
        return f"at least {rule.lines:,} {plural(rule.lines)} of {rule.level}{worse} {where} within {rule.span_s} s"
    return f"no line {where} for {rule.span_s} s"


def plural(lines: int) -> str:
    return "line" if lines == 1 else "lines"


def stands(rule: Rule, verdict: Verdict, before: str) -> str:
    """How a rule stands after a verdict; without news as before."""
    if verdict.state is State.UNKNOWN:
        return f"cannot be judged: {verdict.why}" if verdict.why else before
    if verdict.state is State.FIRES:
        return "is met"
    return f"calm, {verdict.lines:,} {plural(verdict.lines)}" if rule.kind == MANY else "calm"


def live_path(rule: Rule) -> str:
    """The page of live lines with the filter of a rule."""
    asked = {"services": rule.service} if rule.service else {}
    if rule.kind == MANY:
        asked["levels"] = ",".join(rule.levels)
    return reverse("logs:live") + (f"?{urlencode(asked, safe=',')}" if asked else "")


def search_path(incident: Incident) -> str:
    """The archived lines of an incident: from its span before it was opened until it was last seen."""
    rule = incident.met
    asked = {"services": rule.service} if rule.service else {}
    if rule.kind == MANY:
        asked["levels"] = ",".join(rule.levels)
    asked["since"] = _iso(min(incident.opened_at, incident.seen_at) - timedelta(seconds=rule.span_s))
    asked["until"] = _iso((incident.resolved_at or incident.seen_at) + timedelta(seconds=1))
    return f"{reverse('logs:search')}?{urlencode(asked, safe=',:')}"


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def body_of(incident: Incident, rule: str, state: str, at: datetime) -> dict[str, Any]:
    """What recipients are told."""
    met = incident.met
    resolved = incident.resolved_at
    data = {
        "incident": incident.pk,
        "state": state,
        "rule": rule,
        "condition": condition(met),
        "kind": met.kind,
        "service": met.service or None,
        "level": met.level if met.kind == MANY else None,
        "lines": incident.lines if met.kind == MANY else None,
        "openedAt": incident.opened_at.isoformat(),
        "seenAt": incident.seen_at.isoformat(),
        "resolvedAt": resolved.isoformat() if resolved else None,
        "reason": incident.reason or None,
        "url": settings.SITE_URL + live_path(met),
        "archive": settings.SITE_URL + search_path(incident),
    }
    return {"type": TYPE, "timestamp": at.isoformat(), "data": data}


STATES = {"opened": "opened", "open": "still open", "resolved": "resolved"}


def subject(data: dict[str, Any]) -> str:
    """The subject of an e-mail: one line."""
    return " ".join(f"Incident {data['incident']} {STATES[data['state']]}: {data['rule']}".split())


def letter(data: dict[str, Any]) -> str:
    """The text of an e-mail."""
    lines = [f"Incident {data['incident']} of the rule “{data['rule']}” is {STATES[data['state']]}.", ""]
    lines.append(f"Rule: {data['condition']}")
    if data["lines"] is not None:
        lines.append(f"Most within that time: {data['lines']:,} {plural(data['lines'])}")
    for name, time in (("Opened", "openedAt"), ("Last met", "seenAt"), ("Resolved", "resolvedAt")):
        if data[time]:
            lines.append(f"{name}: {data[time]}")
    if data["reason"]:
        lines.append(f"Resolved because {data['reason']}.")
    return "\n".join([*lines, "", f"Live: {data['url']}", f"Archive: {data['archive']}", ""])
