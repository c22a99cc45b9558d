"""The order of the rows, the grounds that they share, and the table."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from compose.local.kafka import CONTROLLERS_FROM, LocalKafka
from compose.local.process import LocalServerError
from tests.faults import rows_kafka, rows_redis, rows_saves, rows_worker
from tests.faults.ground import Failed, Ground, running
from tests.faults.judge import Findings
from tests.servers import IN_CI, LocalPostgres, free_ports, no_word

EVENTS, EVENTS_FULL = 20_000, 100_000
ONE, THREE, POSTGRES = "one broker", "three brokers", "PostgreSQL"
OURS = ("DJANGO_", "REDIS_", "CHANNEL_", "KAFKA_", "DATABASE_", "PUSH_", "LOGS_", "ORDER_", "BATCH_", "FAIL_")


class Row(NamedTuple):
    """A fault, the ground it needs, and the part of the events that its load has."""

    name: str
    fault: Callable[..., None]
    share: float = 1.0
    ground: str = ONE


ROWS = (
    Row("worker-killed", rows_worker.worker_killed),
    Row("between-steps", rows_worker.between_steps),
    Row("workers-scaled", rows_worker.workers_scaled),
    Row("old-worker", rows_worker.old_worker_continues),
    Row("cut-otherwise", rows_worker.cut_otherwise),
    Row("broker-restarted", rows_kafka.broker_restarted),
    Row("kafka-down", rows_saves.kafka_down_during_saves),
    Row("relay", rows_saves.relay_killed_and_paused),
    Row("redis-empty", rows_redis.redis_empty),
    Row("redis-older", rows_redis.redis_from_an_older_file),
    Row("pubsub-cut", rows_redis.pubsub_cut),
    Row("merged", rows_kafka.merged),
    Row("poison", rows_kafka.poison_among_events),
    Row("topic-again", rows_kafka.topic_made_again, 0.5),
    Row("only-poison", rows_kafka.only_poison, 0.1),
    Row("leader-killed", rows_kafka.leader_killed, ground=THREE),
    Row("database-away", rows_saves.database_away, ground=POSTGRES),
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", default="", help="only these, separated by commas")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"order events of a row's load (default {EVENTS:,})")
    parser.add_argument("--full", action="store_true", help=f"the same as --events {EVENTS_FULL}")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="times as long may things take, on a machine that others use too"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.patience <= 100:
        parser.error(f"--patience is {options.patience:g}; it takes 1 to 100")
    Findings.patience = options.patience
    wanted = [name for name in options.rows.split(",") if name]
    unknown = sorted(set(wanted) - {row.name for row in ROWS})
    if unknown:
        parser.error(f"--rows names {', '.join(unknown)}; there are {', '.join(row.name for row in ROWS)}")
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]  # the stacks have settings of their own
    rows = [row for row in ROWS if not wanted or row.name in wanted]
    if not 2_000 <= options.events <= EVENTS_FULL:
        parser.error(f"--events is {options.events}; it takes 2000 to {EVENTS_FULL}")
    events = EVENTS_FULL if options.full else options.events
    print(f"Each row's load: {events:,} order events over 2,000 orders, log lines and fixes, 100 viewers.", flush=True)
    began = time.monotonic()
    verdicts = [verdict for name in (ONE, THREE, POSTGRES) for verdict in on_ground(name, rows, events)]
    minutes = (time.monotonic() - began) / 60
    print(f"\n{verdicts.count(True)} of {len(rows)} rows passed in {minutes:.1f} min.")
    return 0 if verdicts.count(True) == len(rows) else 1


def on_ground(name: str, rows: list[Row], events: int) -> list[bool | None]:
    """Runs the rows of one ground; a ground that cannot be had here fails them in CI, and leaves them out elsewhere."""
    mine = [row for row in rows if row.ground == name]
    if not mine:
        return []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="sightline-faults-") as folder,
            ground(name, Path(folder)) as (on, extra),
        ):
            return [run(row, on, events, extra) for row in mine]
    except LocalServerError as problem:
        print(f"\n{'FAIL' if IN_CI else 'not run'}  {', '.join(row.name for row in mine)}: {problem}", flush=True)
        return [not IN_CI for _ in mine]


@contextlib.contextmanager
def ground(name: str, folder: Path) -> Iterator[tuple[Ground, dict[str, Any]]]:
    """A running ground, and what its rows need beside it."""
    with contextlib.ExitStack() as stack:
        brokers = 3 if name == THREE else 1
        kafka = LocalKafka(folder / "kafka", free_ports(2 * CONTROLLERS_FROM), brokers, say=no_word)
        url, extra = "", {}
        if name == POSTGRES:
            extra["server"] = server = LocalPostgres()
            stack.callback(server.stop)
            server.start()
            url = server.url
        yield stack.enter_context(running(Ground(folder / "stack", kafka, url))), extra


def run(row: Row, on: Ground, events: int, extra: dict[str, Any]) -> bool:
    """Runs one row; whether it passed. A fault that did not come about is tried once more: it has shown nothing."""
    found = attempt(row, on, events, extra)
    if found.untested and not found.problems:
        print("\nOnce more, since nothing was tested:", flush=True)
        found = attempt(row, on, events, extra)
    return not (found.problems or found.untested)


def attempt(row: Row, on: Ground, events: int, extra: dict[str, Any]) -> Findings:
    """Runs one row, prints it, and leaves the ground as it was."""
    found, began = Findings(), time.monotonic()
    try:
        on.load.begin()
        on.crowd.begin()
        row.fault(on, found, int(events * row.share), **extra)
    except (Failed, LocalServerError, pytest.fail.Exception) as problem:
        found.problems.append(str(problem))
    except Exception:
        found.problems.append(traceback.format_exc())
    try:
        on.load.stop()
        on.usual()
    except Exception:
        found.problems.append(traceback.format_exc())
    show(row, found, time.monotonic() - began)
    if found.problems:
        show_output(on)
    return found


def show(row: Row, found: Findings, seconds: float) -> None:
    verdict = "FAIL" if found.problems else "void" if found.untested else "pass"
    fill = partial(textwrap.fill, width=118, initial_indent="      ", subsequent_indent="      ")
    print(f"\n{verdict}  {row.name} ({seconds:.0f} s): {' '.join((row.fault.__doc__ or '').split())}")
    print(fill("; ".join(found.measured)))
    for problem in found.problems + found.untested:
        print(textwrap.indent(f"! {problem}", "      "))
    print(end="", flush=True)


def show_output(on: Ground, lines: int = 6) -> None:
    """The last words of every process, for whoever looks into a failure."""
    for log in sorted((on.stack.folder / "logs").glob("*.log")):
        last = log.read_text(errors="replace").splitlines()[-lines:]
        print(f"      --- {log.stem}", *(line[:200] for line in last), sep="\n        ", flush=True)
