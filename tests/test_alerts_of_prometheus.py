"""compose/monitoring: rules over metrics that there are, each with an entry in the runbook."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from realtime import metrics, tolls
from realtime.pages import RUNBOOK, anchors
from tests.servers import ROOT

FOLDER = ROOT / "compose" / "monitoring"
LINK = "/pipeline/runbook/#"
FROM_PROMETHEUS = {"up"}
WORDS = {
    "absent", "sum", "max", "by", "rate", "increase", "deriv", "histogram_quantile", "and", "or", "job", "group",
    "outcome", "le", "topic", "reason", "view",
}  # fmt: skip
"""Functions, operators and labels that the rules use; anything else in them is a metric."""


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def named(expression: str) -> set[str]:
    """The names in an expression that are no words of the language, no labels and no values."""
    without_values = re.sub(r'"[^"]*"|\[[^]]*\]', "", expression)
    return set(re.findall(r"[a-z_]+[a-z]", without_values)) - WORDS


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_that_there_are_and_leads_to_what_to_do(rule):
    assert tolls.TOLLS
    asked = named(rule["expr"]) - FROM_PROMETHEUS
    assert asked <= metrics.names(), asked - metrics.names()
    assert asked or "up{" in rule["expr"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    link = rule["annotations"]["runbook_url"]
    assert link.startswith(LINK)
    assert link.removeprefix(LINK) in anchors(RUNBOOK.read_text())


def test_a_rule_over_a_metric_that_there_is_not_would_be_told():
    assert named('sum by (group) (rate(sightline_recordz_total{group="live"}[5m])) > 0') == {"sightline_recordz_total"}
    assert "sightline_recordz_total" not in metrics.names()


def test_labels_in_rules_are_labels_of_their_metric():
    metrics.DEAD_LETTERS.labels("toys", "not_a_toy")
    metrics.lag("live", {("toys", 0): 1})
    metrics.RECORDS.labels("live", "toys", "malformed")
    metrics.BATCHES.labels("live", "applied")
    metrics.TO_SCREEN.labels("toys")
    text = metrics_text()
    labels = {s.name: set(s.labels) for family in text_string_to_metric_families(text) for s in family.samples}
    for rule in rules():
        for name, selector in re.findall(r"(sightline_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)=", selector)) <= labels[name], rule["alert"]


def metrics_text() -> str:
    from prometheus_client import generate_latest

    return generate_latest(metrics.REGISTRY).decode()


def test_names_of_alerts_are_unique():
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
