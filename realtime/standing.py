"""How the machine stands, in words: adds up what its processes say, and names what is wrong (pure).

A problem's `id` is the anchor of its entry in docs/runbook.md, and what the alert rules link to.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from realtime.windows import percentile

GONE_MS = 8_000
"""A process says something every 2 s."""
SEEN_MS = 5_000
"""A live worker's loop shows itself every second."""
LAG_LATE, LAG_SICK = 1_000, 100_000
WAITS_S, WAITS_LONG_S = 10.0, 60.0
BEHIND_S = 2.0
"""From here on a page no longer calls itself live."""
NEARLY_FULL = 0.8
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LATENCIES = {
    "apply": "sightline_produce_to_apply_seconds",
    "screen": "sightline_produce_to_screen_seconds",
    "work": "sightline_apply_seconds",
}
Health = Literal["late", "sick"]


class Problem(NamedTuple):
    """Something is wrong with a box of the picture; `says` is the sentence that tells what to do."""

    id: str
    box: str
    health: Health
    says: str


def rates(processes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What flows, per second, by name and role: `live.records_total:applied`."""
    total: dict[str, float] = {}
    for process in processes:
        for name, rate in process["rates"].items():
            key = f"{process['role']}.{name}"
            total[key] = round(total.get(key, 0.0) + rate, 2)
    return total


def latencies(processes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float] | None]:
    """Percentiles of the last minute over all processes, in seconds; None where nothing came."""
    found: dict[str, dict[str, float] | None] = {}
    for short, histogram in LATENCIES.items():
        merged: dict[str, float] = {}
        for process in processes:
            if process["role"] != "archive":  # which is behind by its batches, and on no screen
                for bound, n in process["latency"].get(histogram, {}).items():
                    merged[bound] = merged.get(bound, 0.0) + n
        values = {name: percentile(merged, share) for name, share in SHARES.items()}
        found[short] = None if None in values.values() else {k: round(v or 0.0, 4) for k, v in values.items()}
    return found


def living(overview: Mapping[str, Any], role: str) -> list[Mapping[str, Any]]:
    return [p for p in overview["processes"] if p["role"] == role and overview["at"] - p["seen"] <= GONE_MS]


def problems(overview: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong, the worst first."""
    found = [*_servers(overview), *_processes(overview), *_flow(overview)]
    return sorted(found, key=lambda problem: problem.health != "sick")


def _servers(overview: Mapping[str, Any]) -> Iterator[Problem]:
    redis = overview["redis"]
    if not overview["kafka"]:
        yield Problem(
            "kafka-does-not-answer",
            "kafka",
            "sick",
            "No broker takes a connection: start Kafka, or look at KAFKA_BOOTSTRAP_SERVERS.",
        )
    if overview["outbox"] is None:
        yield Problem(
            "the-database-does-not-answer",
            "database",
            "sick",
            "Saves fail until it is back: start the database, or look at DATABASE_URL.",
        )
    if redis["policy"] != "noeviction":
        yield Problem(
            "redis-may-throw-state-away",
            "redis",
            "sick" if redis["maxmemory"] else "late",
            f"maxmemory-policy is {redis['policy']}: set it to noeviction.",
        )
    if redis["unsaved"]:
        yield Problem(
            "redis-cannot-write-to-its-disk",
            "redis",
            "sick",
            "Its last write to disk failed, and it may refuse changes: look at the disk's space and at Redis' log.",
        )
    if redis["maxmemory"] and redis["used"] > NEARLY_FULL * redis["maxmemory"]:
        share = 100 * redis["used"] // redis["maxmemory"]
        yield Problem(
            "redis-is-nearly-full",
            "redis",
            "sick" if share > 95 else "late",
            f"{share} % of maxmemory is used: raise it, or lower ORDER_KEEP_HOURS or LOGS_RECENT.",
        )


def _processes(overview: Mapping[str, Any]) -> Iterator[Problem]:
    now = overview["at"]
    if not [worker for worker in overview["workers"] if now - worker["seen"] <= SEEN_MS]:
        yield Problem(
            "no-worker-reads-the-topics",
            "workers",
            "sick",
            "Nothing new reaches the pages: start `manage.py consume_kafka --group live`.",
        )
    if not living(overview, "archive"):
        yield Problem(
            "no-archiver-runs",
            "archive",
            "sick",
            "Nothing reaches the archive: start `manage.py consume_kafka --group archive`.",
        )
    if not living(overview, "relay"):
        yield Problem("no-relay-runs", "outbox", "sick", "Saves stay in the outbox: start `manage.py relay_outbox`.")
    for process in overview["processes"]:
        if process["stalled"] and now - process["seen"] <= GONE_MS:
            box = {"live": "workers", "relay": "outbox"}.get(process["role"], process["role"])
            yield Problem(
                "a-process-stands-still",
                box,
                "sick",
                f"{process['name']} has not turned for {process['stalled']} s: its log says where; restart it.",
            )


def _flow(overview: Mapping[str, Any]) -> Iterator[Problem]:
    lag = sum(partition["lag"] or 0 for partition in overview["partitions"])
    if lag > LAG_LATE:
        yield Problem(
            "records-wait-to-be-applied",
            "workers",
            "sick" if lag > LAG_SICK else "late",
            f"{lag:,} records are not applied yet: start another worker if this grows.",
        )
    archive_lag = sum(row["lag"] for process in living(overview, "archive") for row in process["partitions"])
    if archive_lag > LAG_LATE:
        yield Problem(
            "records-wait-to-be-applied",
            "archive",
            "sick" if archive_lag > LAG_SICK else "late",
            f"{archive_lag:,} records are not archived yet: start another archiver if this grows.",
        )
    outbox = overview["outbox"]
    if outbox and outbox["oldest_s"] > WAITS_S:
        yield Problem(
            "saves-wait-for-kafka",
            "outbox",
            "sick" if outbox["oldest_s"] > WAITS_LONG_S else "late",
            f"The oldest has waited for {outbox['oldest_s']:.0f} s: look at Kafka, then at the log of the relay.",
        )
    if outbox and outbox["parked"]:
        yield Problem(
            "saves-for-a-topic-that-is-missing",
            "outbox",
            "sick",
            f"{outbox['parked']:,} are parked: run `manage.py kafka_topics`, then queue them again in the admin.",
        )
    letters = overview["letters"]
    if letters and letters["open"]:
        lately = f"{letters['hour']:,} came in the last hour: mend the producer. " if letters["hour"] else ""
        yield Problem(
            "records-that-cannot-be-read",
            "letters",
            "late",
            f"{lately}{letters['open']:,} wait to be published again, or discarded, in the admin.",
        )
    screen = overview["latency"]["screen"]
    if screen and screen["p95"] > BEHIND_S:
        yield Problem(
            "screens-are-behind",
            "web",
            "late",
            f"One in twenty is told after {screen['p95']:.1f} s or more: look at lag first, then at the web "
            "processes' CPU.",
        )
    sent = overview["rates"].get("web.frames_total", 0.0)
    if (held := overview["rates"].get("web.frames_conflated_total", 0.0)) > max(1.0, sent / 2):
        yield Problem(
            "viewers-have-no-room",
            "viewers",
            "late",
            f"{held:.0f} times a second a viewer is too slow for what comes: they see the newest, not each step.",
        )
