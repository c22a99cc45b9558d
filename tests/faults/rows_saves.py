"""Faults between a save and Kafka: no broker while staff save, relays that die or sleep, a database that is away."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import time
from collections import Counter, defaultdict
from typing import Any

from compose.local.process import Process
from tests.faults.ground import Failed, Ground, until
from tests.faults.judge import Findings, settle
from tests.faults.load import ORDER_TOPIC
from tests.faults.truth import SHOWN, stamp_of
from tests.servers import LocalPostgres

SAVES, AWAY_S = 1_000, 60.0
SLOWER = 1.10
TAKEOVER_S = 5.0
DATABASE_AWAY_S = 30.0
MARKED = 900_000_000
"""Notes of saves are numbers from here on, apart from those of the load."""


def kafka_down_during_saves(ground: Ground, found: Findings, n: int) -> None:
    """Kafka down 60 s during 1,000 admin saves"""
    starts = ground.ends((ORDER_TOPIC,))
    before = saves(ground, MARKED, 150)
    ground.stack.kafka.kill(0)
    down = time.monotonic()
    during = saves(ground, MARKED + 150, SAVES)
    until("the minute is over", lambda: time.monotonic() - down >= AWAY_S, AWAY_S)
    ground.stack.kafka.restart(0)
    found.say(f"Kafka was down {time.monotonic() - down:.0f} s")
    after = saves(ground, MARKED + 150 + SAVES, 150)
    found.equal("saved", sum(save["status"] == 302 for save in during), SAVES)
    _compare_times(found, during, before + after)
    published(ground, found, starts, {save["note"] for save in before + during + after})
    settle(ground, found)


def _compare_times(found: Findings, during: list[dict[str, Any]], normal: list[dict[str, Any]]) -> None:
    """Saves without Kafka against saves with it, each against its form's page: a busy machine slows both."""
    median = statistics.median
    found.say(
        f"median save {median(s['ms'] for s in during):.1f} ms, normally {median(s['ms'] for s in normal):.1f} ms"
    )
    slower = median(s["ms"] / s["form_ms"] for s in during) / median(s["ms"] / s["form_ms"] for s in normal)
    found.say(f"against the page of its form {slower:.2f} times as long")
    if slower > SLOWER:
        found.problems.append(f"a save takes {slower:.2f} times as long as normally")


def relay_killed_and_paused(ground: Ground, found: Findings, n: int) -> None:
    """relay kill -9 between send and mark; relay paused while another takes the lease"""
    starts = ground.ends((ORDER_TOPIC,))
    ground.end("relay")
    first = ground.relay("relay", FAIL_POINT="relay-after-send:1")
    until("the first relay holds the lease", lambda: lease(ground), 20)
    holder = lease(ground)
    ground.relay("relay-2", FAIL_POINT="relay-after-send:4:stop")
    saving = start_saves(ground, MARKED + 10_000, 300, rate=100)
    killed = ground.died(first)
    until("another relay takes over", lambda: lease(ground) not in ("", holder), 20, 0.02)
    found.within("taken over after kill -9 in", time.monotonic() - killed, TAKEOVER_S)
    second = ground.stack.processes["relay-2"]
    ground.paused(second)
    paused, holder = time.monotonic(), lease(ground)
    ground.relay("relay-3")
    until("another relay takes over", lambda: lease(ground) not in ("", holder), 20, 0.02)
    found.within("from a paused one in", time.monotonic() - paused, TAKEOVER_S)
    notes = {save["note"] for save in made(ground, saving, 300)}
    os.kill(second.pid, signal.SIGCONT)
    notes |= {save["note"] for save in saves(ground, MARKED + 11_000, 100, rate=100)}
    found.real("sent again, unmarked", published(ground, found, starts, notes))
    settle(ground, found)


def lease(ground: Ground) -> str:
    rows = ground.sql("SELECT holder FROM realtime_lease WHERE name = 'relay'")
    return rows[0][0] if rows else ""


def saves(ground: Ground, first: int, count: int, rate: float = 20) -> list[dict[str, Any]]:
    """So many saves through the admin, at most so many a second; what each took."""
    return made(ground, start_saves(ground, first, count, rate), count)


def start_saves(ground: Ground, first: int, count: int, rate: float) -> Process:
    process = ground.stack.add("saves", "-m", "tests.faults.saves", str(first), str(count), str(rate),
                               DJANGO_SETTINGS_MODULE="realtime.settings")  # fmt: skip
    process.log.unlink(missing_ok=True)
    process.start()
    until("orders to save are there", lambda: '"ready"' in ground.stack.output("saves") or not process.alive, 60)
    return process


def made(ground: Ground, process: Process, count: int) -> list[dict[str, Any]]:
    """Waits for the saves to end; what each took."""
    until("the saves are done", lambda: not process.alive, 300)
    lines = [json.loads(line) for line in ground.stack.output("saves").splitlines() if line.startswith("{")]
    saved = [line for line in lines if "note" in line]
    if len(saved) != count:
        raise Failed(f"{len(saved)} of {count} saves: {process.last_words()}")
    return saved


def published(ground: Ground, found: Findings, starts: dict[tuple[str, int], int], notes: set[int]) -> int:
    """Waits until these saves are in the topic, adds all that is there of them to the truth; returns repeats."""
    unsent = "SELECT COUNT(*) FROM realtime_outbox WHERE sent_at IS NULL"
    until("the outbox is empty", lambda: not ground.sql(unsent)[0][0], 90)
    copies: Counter[int] = Counter()
    in_order: dict[str, list[int]] = defaultdict(list)
    repeats: Counter[str] = Counter()
    for record in ground.records(ORDER_TOPIC, starts):
        value = json.loads(record.value)
        if not value["orderId"].startswith("ADM-"):
            continue
        said = {name: what for name, what in value.items() if name in (*SHOWN, "deleted") and name != "orderId"}
        stamp = stamp_of(value["timestamp"], record.timestamp, record.partition, record.offset)
        ground.truth.add_order(value["orderId"], said, stamp)
        at = (ORDER_TOPIC, record.partition)
        ground.load.ends[at] = max(ground.load.ends.get(at, 0), record.offset + 1)
        repeats[dict(record.headers)["ce_id"].decode()] += 1
        note = value.get("note", "")
        if note.isdecimal() and int(note) >= MARKED:
            copies[int(note)] += 1
            if copies[int(note)] == 1:
                in_order[value["orderId"]].append(int(note))
                ground.load.time_of[note] = value["timestamp"]
                ground.load.numbers[int(note)] = value["orderId"]
    found.equal("published", len(notes & copies.keys()), len(notes))
    found.none("reordered", sum(a > b for seen in in_order.values() for a, b in itertools.pairwise(seen)))
    return sum(count - 1 for count in repeats.values())


def database_away(ground: Ground, found: Findings, n: int, server: LocalPostgres) -> None:
    """database away for 30 s, under load"""
    ground.load.start("database", n, rate=n / 45)
    until("the load runs", lambda: ground.load.sent > n // 5, 30)
    server.crash()
    began, worst, shown = time.monotonic(), 0.0, 0
    while time.monotonic() - began < DATABASE_AWAY_S:
        at = time.monotonic()
        number = ground.load.order(f"NEW-{shown}", status="Placed")
        note, order = str(number), f"NEW-{shown}"
        until(
            "viewers see a new order while the database is away",
            lambda o=order, n=note: ground.crowd.look(
                lambda pages: all(p.items.get(o, {}).get("note") == n for p in pages if p.view == "orders")
            ),
            15,
        )
        worst, shown = max(worst, time.monotonic() - at), shown + 1
        time.sleep(1)
    server.start()
    found.real("new orders shown to all viewers meanwhile", shown)
    found.within("each within", worst, 5)
    found.none("viewers cut off", ground.crowd.total("closes"))
    settle(ground, found, archive_s=180)
