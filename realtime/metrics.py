"""What this process counts, under the names that Prometheus reads. The registry is here, and nothing that does I/O.

Labels are bounded: groups, topics, partitions, views, transports, codes. No id, token, address or name of anybody.
Hot paths count once a batch or a push; what viewers count themselves is added up when somebody asks.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

WORK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Bounds of how long a step of ours takes."""
LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
"""Bounds of how old a record is when something happens to it; a page calls itself live up to 2 s."""
MOST_REASONS = 50
"""Further reasons of dead letters count as `other`: a stranger's decode may name any."""

# --- workers --------------------------------------------------------------------------------------------------------

RECORDS = Counter(
    "sightline_records", "Records, by what became of them", ["group", "topic", "outcome"], registry=REGISTRY
)
BATCHES = Counter("sightline_batches", "Batches, by what the state said", ["group", "outcome"], registry=REGISTRY)
DEAD_LETTERS = Counter(
    "sightline_dead_letters", "Records diverted to the dead letters", ["topic", "reason"], registry=REGISTRY
)
LAG = Gauge(
    "sightline_lag_records",
    "Records of an assigned partition that are not applied yet",
    ["group", "topic", "partition"],
    registry=REGISTRY,
)
ASSIGNED = Gauge("sightline_assigned_partitions", "Partitions that this worker reads", ["group"], registry=REGISTRY)
APPLY = Histogram(
    "sightline_apply_seconds", "How long applying a batch takes", ["group"], buckets=WORK_S, registry=REGISTRY
)
PUSH = Histogram("sightline_push_seconds", "How long the pushes of a batch take", buckets=WORK_S, registry=REGISTRY)
PUSHES = Counter("sightline_pushes", "Pushes to the Channels groups", ["view_group"], registry=REGISTRY)
TO_APPLY = Histogram(
    "sightline_produce_to_apply_seconds",
    "Age of a batch's newest record, by the broker's time, when the batch is applied",
    ["group"],
    buckets=LATENCY_S,
    registry=REGISTRY,
)

# --- relay ----------------------------------------------------------------------------------------------------------

OUTBOX = Gauge("sightline_outbox_rows", "Rows of the outbox that wait for Kafka", registry=REGISTRY)
OUTBOX_AGE = Gauge("sightline_outbox_oldest_age_seconds", "Age of the oldest row that waits", registry=REGISTRY)
OUTBOX_PARKED = Gauge("sightline_outbox_parked_rows", "Rows for a topic that Kafka does not have", registry=REGISTRY)
PUBLISHED = Counter("sightline_outbox_published", "Rows of the outbox that Kafka has acknowledged", registry=REGISTRY)
HOLDS_LEASE = Gauge("sightline_relay_holds_lease", "1 while this relay is the one that publishes", registry=REGISTRY)

# --- web ------------------------------------------------------------------------------------------------------------

CLOSED = Counter("sightline_viewers_closed", "Viewers that left or were closed", ["view", "code"], registry=REGISTRY)
TO_SCREEN = Histogram(
    "sightline_produce_to_screen_seconds",
    "Age of a push's newest record when the last viewer told of it was handed its frame",
    ["view_group"],
    buckets=LATENCY_S,
    registry=REGISTRY,
)

# --- every process --------------------------------------------------------------------------------------------------

LOOP_AGE = Gauge("sightline_loop_age_seconds", "Time since the loop last turned", ["role"], registry=REGISTRY)

_reasons: set[str] = set()
_lagging: set[tuple[str, str, str]] = set()


def dead_letters(topic: str, reason: str) -> None:
    """Counts one; beyond MOST_REASONS reasons they share a name."""
    if reason not in _reasons:
        if len(_reasons) >= MOST_REASONS:
            reason = "other"
        _reasons.add(reason)
    DEAD_LETTERS.labels(topic, reason).inc()


def lag(group: str, waiting: Mapping[tuple[str, int], int | None]) -> None:
    """Shows the lag of the partitions that are assigned now, where it is known, and of no others."""
    known = {(group, topic, str(partition)): n for (topic, partition), n in waiting.items() if n is not None}
    for labels, records in known.items():
        LAG.labels(*labels).set(records)
    for labels in _lagging - known.keys():
        LAG.remove(*labels)
    _lagging.clear()
    _lagging.update(known)
    ASSIGNED.labels(group).set(len(waiting))


def lags() -> dict[tuple[str, str, str], int]:
    """The lag of each assigned partition, by group, topic and partition."""
    labels = ("group", "topic", "partition")
    samples = [sample for family in LAG.collect() for sample in family.samples]
    return {tuple(sample.labels[name] for name in labels): int(sample.value) for sample in samples}  # type: ignore[misc]


def figures() -> dict[str, float]:
    """Every counter and bucket of ours so far, labels added up: what `/pipeline/` makes rates and percentiles of."""
    found: dict[str, float] = {}
    for family in REGISTRY.collect():
        if family.type in ("counter", "histogram") and family.name.startswith("sightline_"):
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    name = f"{sample.name}:{sample.labels['le']}" if "le" in sample.labels else sample.name
                    if name == "sightline_records_total":
                        name = f"{name}:{sample.labels['outcome']}"
                    found[name] = found.get(name, 0.0) + sample.value
    return found


def names() -> set[str]:
    """The names of all samples that a process may tell, for whoever checks rules against them."""
    return {name for family in REGISTRY.collect() for name in _samples_of(family.name, family.type)}


def _samples_of(name: str, kind: str) -> list[str]:
    if kind == "counter":
        return [f"{name}_total"]
    if kind == "histogram":
        return [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
    return [name]
