"""What the live page shows of alerts: open incidents, and where nobody knows."""

from datetime import datetime, timedelta
from typing import Any

from logs.alert_models import AlertRule, Incident, visible
from logs.alert_words import condition, live_path

LATE = timedelta(seconds=30)
"""Rules are judged every few seconds; after so long nobody is judging them."""
NOBODY = "nobody judges the rules: no archive worker does, or Redis is away"


def standing(hidden: frozenset[str], now: datetime) -> dict[str, Any]:
    """Open incidents, oldest first, and rules that cannot be judged with the reason. Times are Unix ms."""
    rules = list(visible(AlertRule.objects.filter(active=True), hidden))
    opened = visible(Incident.objects.filter(resolved_at=None).select_related("rule"), hidden).order_by("opened_at")
    return {
        "rules": len(rules),
        "incidents": [_incident(incident) for incident in opened],
        "unknown": [{"rule": rule.name, "why": why} for rule in rules if (why := _unknown(rule, now))],
    }


def _incident(incident: Incident) -> dict[str, Any]:
    met = incident.met
    return {
        "id": incident.pk,
        "rule": incident.rule.name,
        "condition": condition(met),
        "lines": incident.lines,
        "opened": round(incident.opened_at.timestamp() * 1000),
        "url": live_path(met),
    }


def _unknown(rule: AlertRule, now: datetime) -> str:
    if rule.checked_at is None or now - rule.checked_at > LATE:
        return NOBODY
    said = rule.says.removeprefix("cannot be judged: ")
    return said if said != rule.says else ""
