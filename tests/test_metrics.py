"""What Prometheus reads is true: what was sent is what the counters gained, on every process."""

import json
import re
import urllib.request

import pytest
from django.test import RequestFactory

from realtime import metrics, tolls
from realtime.health import may_measure
from realtime.windows import Window, buckets, percentile
from tests.live import LiveSocket, session_of
from tests.servers import ROOT, Stack, http_status, wait_until

SENT = 250
BAD = 7


def ends(stack: Stack, topic: str) -> int:
    return sum(stack.kafka.end_offset(topic, number) for number in range(4))


def records(stack: Stack, group: str, outcome: str) -> float:
    return stack.metrics(group).total("sightline_records_total", topic="location-updates", outcome=outcome)


def at_rest(stack: Stack, group: str) -> bool:
    """Whether a worker tells the lag of all its partitions, and it is none."""
    found = stack.metrics(group)
    lag = [sample.value for sample in found.samples if sample.name == "sightline_lag_records"]
    return found.total("sightline_assigned_partitions") >= 12 and not any(lag)


def test_counters_of_both_workers_gain_exactly_what_the_topic_gained(stack: Stack, producer):
    for group in ("live", "archive"):
        wait_until(lambda group=group: at_rest(stack, group), 60)
    before = {(group, kind): records(stack, group, kind) for group in ("live", "archive") for kind in KINDS}
    letters = stack.metrics("live").total("sightline_dead_letters_total", topic="location-updates")
    batches = stack.metrics("live").total("sightline_batches_total", outcome="applied")
    began = ends(stack, "location-updates")
    for n in range(SENT):
        producer.send("location-updates", None, json.dumps({"name": f"Metric {n}", "lat": 13, "lng": 80}).encode())
    for _ in range(BAD):
        producer.send("location-updates", None, b"no json")
    producer.flush()
    gained = ends(stack, "location-updates") - began
    assert gained >= SENT + BAD

    def grown(group: str) -> dict[str, float]:
        return {kind: records(stack, group, kind) - before[group, kind] for kind in KINDS}

    for group in ("live", "archive"):
        wait_until(lambda group=group: sum(grown(group).values()) >= gained, 60)
        assert sum(grown(group).values()) == gained
        assert grown(group)["malformed"] >= BAD
        assert grown(group)["applied"] >= SENT
    found = stack.metrics("live")
    assert found.total("sightline_dead_letters_total", topic="location-updates") - letters == grown("live")["malformed"]
    assert found.total("sightline_dead_letters_total", topic="location-updates", reason="not_json") >= BAD
    assert found.total("sightline_batches_total", outcome="applied") > batches
    for name in ("apply_seconds", "push_seconds", "produce_to_apply_seconds"):
        assert found.total(f"sightline_{name}_count") > 0, name
    assert found.total("sightline_pushes_total", view_group="orders") > 0


KINDS = ("applied", "malformed")


def test_the_web_process_counts_viewers_by_view_and_transport_and_what_they_were_sent(stack: Stack, producer):
    def told(name: str, found=None) -> float:
        return (found or stack.metrics("web")).total(name, view="orders", transport="websocket")

    def screens() -> float:
        return stack.metrics("web").total("sightline_produce_to_screen_seconds_count", view_group="orders")

    before = stack.metrics("web")
    seen = screens()
    with LiveSocket(stack.base_url, "orders", session_of(stack)) as page:
        page.until(lambda p: p.frames)
        wait_until(lambda: told("sightline_viewers") == told("sightline_viewers", before) + 1)
        fix = json.dumps({"name": "Metric screen", "lat": 13.05, "lng": 80.2}).encode()
        producer.send("location-updates", None, fix)
        page.until(lambda p: p.items.get("Metric screen"))
        wait_until(lambda: screens() > seen)
        assert told("sightline_frames_total") - told("sightline_frames_total", before) >= page.received
    wait_until(lambda: told("sightline_viewers") == told("sightline_viewers", before))
    after = stack.metrics("web")
    assert told("sightline_frames_total", after) - told("sightline_frames_total", before) >= page.received
    assert told("sightline_viewers_opened_total", after) == told("sightline_viewers_opened_total", before) + 1


def test_the_relay_tells_what_waits_and_what_it_has_published(stack: Stack):
    before = stack.metrics("relay").total("sightline_outbox_published_total")
    stack.python("from orders.services import create_order; create_order({}, 'test', 'ORD-METRIC-RELAY')")
    wait_until(lambda: stack.metrics("relay").total("sightline_outbox_published_total") > before)
    found = stack.metrics("relay")
    assert found.total("sightline_relay_holds_lease") == 1
    names = {sample.name for sample in found.samples}
    assert {"sightline_outbox_rows", "sightline_outbox_oldest_age_seconds", "sightline_loop_age_seconds"} <= names


def test_metrics_of_the_web_are_read_on_its_own_address_from_this_machine(stack: Stack):
    with urllib.request.urlopen(f"{stack.base_url}/metrics", timeout=10) as response:
        text = response.read().decode()
    assert "# TYPE sightline_frames_total counter" in text or "# TYPE sightline_frames counter" in text
    assert http_status(f"http://127.0.0.1:{stack.metrics_ports['web']}/nothing") == 404


@pytest.mark.parametrize(
    ("address", "headers", "token", "may"),
    [
        ("127.0.0.1", {}, "", True),
        ("::1", {}, "", True),
        ("203.0.113.9", {}, "", False),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "", False),
        ("203.0.113.9", {"authorization": "Bearer s3cret"}, "s3cret", True),
        ("203.0.113.9", {"authorization": "bearer s3cret"}, "s3cret", True),
        ("203.0.113.9", {"authorization": "Bearer s3cre"}, "s3cret", False),
        ("203.0.113.9", {"authorization": "Bearer "}, "", False),
        ("203.0.113.9", {}, "s3cret", False),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1", "authorization": "Bearer s3cret"}, "s3cret", True),
    ],
)
def test_metrics_are_for_this_machine_and_for_who_has_the_token(settings, address, headers, token, may):
    settings.METRICS_TOKEN = token
    assert may_measure(RequestFactory().get("/metrics", headers=headers, REMOTE_ADDR=address)) is may


def test_names_and_labels_keep_to_prometheus_conventions_and_name_nobody():
    families = [family for family in metrics.REGISTRY.collect() if family.name.startswith("sightline_")]
    assert tolls.TOLLS
    assert {"sightline_records", "sightline_viewers", "sightline_frames"} <= {family.name for family in families}
    for family in families:
        assert re.fullmatch(r"sightline_[a-z_]+", family.name)
        assert family.documentation
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        labels = {name for sample in family.samples for name in sample.labels}
        assert labels <= {"group", "topic", "partition", "outcome", "reason", "view", "view_group", "transport",
                          "code", "role", "le"}  # fmt: skip


def test_every_metric_stands_in_the_reference():
    reference = (ROOT / "docs" / "reference.md").read_text()
    told = set(re.findall(r"`(sightline_[a-z_]+)[`{]", reference))
    known = {name.removesuffix("_bucket") for name in metrics.names() if name.startswith("sightline_")}
    known = {name for name in known if not name.endswith(("_sum", "_count"))}
    assert known == told


def test_reasons_of_dead_letters_are_bounded():
    for n in range(2 * metrics.MOST_REASONS):
        metrics.dead_letters("metric-topic", f"reason-{n}")
    reasons = {
        sample.labels["reason"]
        for family in metrics.DEAD_LETTERS.collect()
        for sample in family.samples
        if sample.labels.get("topic") == "metric-topic"
    }
    assert len(reasons) <= metrics.MOST_REASONS + 1
    assert "other" in reasons


def test_a_partition_that_went_elsewhere_is_no_longer_told():
    metrics.lag("metric-group", {("toys", 0): 4, ("toys", 1): None})
    assert ("metric-group", "toys", "0") in metrics.lags()
    metrics.lag("metric-group", {("toys", 1): 2})
    assert {at: n for at, n in metrics.lags().items() if at[0] == "metric-group"} == {("metric-group", "toys", "1"): 2}
    metrics.lag("metric-group", {})


def test_rates_are_what_counters_gained_within_the_window():
    window = Window(60.0)
    assert window.gained() == (0.0, {})
    for second in range(100):
        window.add(float(second), {"records": 10.0 * second, "late": 5.0 if second > 98 else 0.0})
    seconds, gained = window.gained()
    assert (seconds, gained) == (60.0, {"records": 600.0, "late": 5.0})
    assert window.gained(10.0) == (10.0, {"records": 100.0, "late": 5.0})


def test_percentiles_are_interpolated_within_their_bucket():
    found = buckets({"sightline_x_bucket:0.1": 50.0, "sightline_x_bucket:+Inf": 100.0, "other": 1.0}, "sightline_x")
    assert found == {"0.1": 50.0, "+Inf": 100.0}
    assert percentile(found, 0.25) == pytest.approx(0.05)
    assert percentile(found, 0.99) == pytest.approx(0.1), "nothing is known beyond the last bound"
    assert percentile({"0.1": 10.0, "0.2": 30.0, "+Inf": 30.0}, 0.5) == pytest.approx(0.125)
    assert percentile({}, 0.5) is None
    assert percentile({"0.1": 0.0, "+Inf": 0.0}, 0.5) is None
