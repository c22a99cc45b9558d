"""Faults of Kafka: brokers that die, topics that are made again, records repeated, shuffled, and no events at all."""

from __future__ import annotations

import random
import time
from collections import Counter

from kafka.errors import KafkaError

from tests.faults.ground import Ground, until
from tests.faults.judge import Findings, settle
from tests.faults.load import LOG_TOPIC, ORDER_TOPIC, ORDERS, STATUSES, Sent
from tests.faults.poison import KINDS, dead_letters, poison

DAY_MS = 24 * 3_600_000
BIG = 10
"""How many of the records over 1 MiB a row sends: they weigh more than all others together."""
SPREAD_MS = 20_000
"""The time that the events of the shuffled row are spread over."""
TOO_MANY_MALFORMED = 3
"""The exit code of a worker that the limit has stopped."""


def broker_restarted(ground: Ground, found: Findings, n: int) -> None:
    """broker killed -9 and started again, then restarted in order"""
    kafka = ground.stack.kafka
    ground.load.start("broker", n, rate=n / 20)
    until("the load runs", lambda: ground.applied() and ground.load.sent > n // 4, 30)
    began = time.monotonic()
    kafka.kill(0)
    sent = ground.load.sent
    until("the load goes on without a broker", lambda: ground.load.sent > sent, 10)
    kafka.restart(0)
    away = time.monotonic() - began
    held = ground.applied()
    until("the stream goes on", lambda: ground.applied() != held, 60)
    began = time.monotonic()
    kafka.restart(0)
    away += time.monotonic() - began
    found.say(f"without a broker {away:.0f} s")
    settle(ground, found, stream_s=90)


def leader_killed(ground: Ground, found: Findings, n: int) -> None:
    """leader of three killed -9 (replication 3, min.insync 2), twice"""
    kafka = ground.stack.kafka
    ground.load.start("leader", n, rate=n / 30)
    killed = []
    for partition in (0, 1):
        until("all copies are in sync", lambda p=partition: kafka.in_sync(ORDER_TOPIC, p) == {0, 1, 2}, 60, 0.5)
        held = ground.applied()
        broker = kafka.kill_leader(ORDER_TOPIC, partition)
        killed.append(broker)
        until(
            "another leads and the stream goes on",
            lambda b=broker, p=partition, h=held: (
                leader(ground, p) not in (-1, b)
                and ground.applied().get((ORDER_TOPIC, p), 0) > h.get((ORDER_TOPIC, p), 0)
            ),
            60,
            0.5,
        )
        kafka.restart(broker)
    found.real("leaders killed", len(killed))
    settle(ground, found, stream_s=90)


def leader(ground: Ground, partition: int) -> int:
    """Who leads a partition of the orders; -1 while nobody says."""
    try:
        return ground.stack.kafka.leader(ORDER_TOPIC, partition)
    except (KafkaError, OSError):
        return -1


def topic_made_again(ground: Ground, found: Findings, n: int) -> None:
    """topic deleted and created again: with fewer records than were applied, then with more"""
    stack, topics = ground.stack, (ORDER_TOPIC, LOG_TOPIC)
    ground.load.start("before", 200)
    all_read(ground)
    lives = set(ground.lives().values())
    for count in (200, n):
        before = ground.lives()
        with stack.kafka.admin() as admin:
            admin.delete_topics(list(topics))
            until("the topics are gone", lambda a=admin: not set(topics) & set(a.list_topics()), 30)
        stack.manage("kafka_topics")
        ground.load.forget(*topics)
        ground.load.start("again", count)
        ground.load.finish()
        again = [f"{topic}:{partition}" for topic, partition in ground.load.ends if topic in topics]
        read_anew(ground, again, before)
        all_read(ground)
        lives |= set(ground.lives().values())
    found.equal("lives of the three topics", len(lives), 3 + 2 * 2)
    settle(ground, found)


def read_anew(ground: Ground, again: list[str], before: dict[str, str]) -> None:
    """Waits until both groups are in the new life of these partitions.

    An old life's offset may lie beyond the new one's end; and what nobody had read when a topic is deleted is gone.
    """
    for name, of in (("live", ground.lives), ("archive", ground.archived_lives)):
        until(
            f"{name} reads the new life",
            lambda of=of: all(of().get(at) not in (None, before.get(at)) for at in again),
            60,
        )


def all_read(ground: Ground) -> None:
    """Waits until both groups have read what was sent."""
    ground.load.finish()
    until("what was sent is applied", lambda: ground.reached(ground.applied(), ground.load.ends), 60)
    until("and archived", lambda: ground.reached(ground.archived(), ground.load.ends), 120)


def merged(ground: Ground, found: Findings, n: int) -> None:
    """order events shuffled; doubled; sender clocks +-5 s; one dated tomorrow; then the topic replayed from offset 0"""
    load, rng = ground.load, random.Random(11)
    began = int(time.time() * 1000)
    plan = []
    for i in range(n):
        order = f"ORD-{i % ORDERS:04d}"
        said = {"status": rng.choice(STATUSES), "eta": 1_800_000_000_000 + i}
        if i % 400 == 0:
            said = {"deleted": i % 800 == 0}
        plan.append((order, began + i * SPREAD_MS // n + rng.randrange(-5_000, 5_001), said))
    rng.shuffle(plan)
    twice = 0
    for order, time_ms, said in plan:
        number = load.order(order, time_ms, **said)
        if rng.random() < 0.2:
            twice += 1
            load.again(number)
    now = int(time.time() * 1000)
    tomorrow = load.order("ORD-0007", now + DAY_MS - 60_000, status="Packed")
    load.time_of[str(tomorrow)] = now  # it is ordered by its append time
    load.order("ORD-0007", status="Shipped")
    load.finish()
    last = began + SPREAD_MS + 5_000
    until("the stamps lie in the past, so that the next row's events come after", lambda: time.time() * 1000 > last, 60)
    replay(ground)
    found.say(f"{twice:,} events doubled, all shuffled, {sum(load.ends.values()):,} records read again")
    settle(ground, found, each_event=False)


def replay(ground: Ground) -> None:
    """Makes both groups read orders and positions again from offset 0; log lines would be counted again."""
    all_read(ground)
    ground.end("live", "archive")
    fields = [field for field in ground.redis.hkeys("stream:applied") if not field.startswith(LOG_TOPIC.encode())]
    ground.redis.hdel("stream:applied", *fields)
    ground.stack.python(
        "from realtime.models import AppliedOffset as A; A.objects.exclude(topic__startswith='service-logs').delete()"
    )
    ground.usual()


def poison_among_events(ground: Ground, found: Findings, n: int) -> None:
    """1,000 poison records of ten kinds among N"""
    usual = [name for name in KINDS if name != "over 1 MiB"]
    names = ["over 1 MiB"] * BIG + [usual[i % len(usual)] for i in range(1000 - BIG)]
    random.Random(5).shuffle(names)
    first = int(ground.sql("SELECT COALESCE(MAX(id), 0) FROM realtime_deadletter")[0][0])
    pids = {name: ground.stack.pid(name) for name in ("live", "archive")}
    ground.load.start("poison", n, rate=n / 15)
    sent: list[tuple[str, Sent]] = []
    for i, name in enumerate(names):
        until("the load goes on", lambda i=i: ground.load.sent >= n * i // 1000 or not ground.load.running, 30, 0.005)
        sent.append((KINDS[name][1], poison(ground, name, f"bad {i}")))
    settle(ground, found)
    want = {(reason, at.partition, at.offset) for reason, at in ((r, future.get(30)) for r, future in sent)}
    query = f'SELECT reason, topic, partition, "offset" FROM realtime_deadletter WHERE id > {first}'
    until("the dead letters are archived", lambda: len(ground.sql(query)) >= len(want), 60)
    rows = ground.sql(query)
    have = Counter((reason.partition(":")[0], partition, offset) for reason, _, partition, offset in rows)
    found.equal("dead letters with their reason and origin", sum(have[at] == 1 for at in want), 1000)
    found.none("others", len(have.keys() - want))
    found.none(
        "worker exits", sum(ground.stack.pid(name) != pid or not ground.stack.alive(name) for name, pid in pids.items())
    )


def only_poison(ground: Ground, found: Findings, n: int) -> None:
    """only poison: the worker stops at the limit, and so does a restarted one; --divert lets them through"""
    ground.load.finish()
    count, copies = 3_000, dead_letters(ground)
    for i in range(count):
        poison(ground, "not JSON", f"bad {i}")
    ground.load.finish()
    diverted = []
    for _ in range(2):
        worker = ground.stack.processes["live"]
        until("the worker stops", lambda w=worker: not w.alive, 40)
        found.equal("exit code", worker.exit_code, TOO_MANY_MALFORMED)
        diverted.append(dead_letters(ground) - copies)
        worker.start()
    until("the worker stops again", lambda: not ground.stack.alive("live"), 40)
    found.real("diverted before the stop", diverted[0])
    found.none("diverted by the restarted one", diverted[1] - diverted[0])
    found.equal("its words name --divert", ground.said("live", "--divert") > 0, True)
    ground.worker("live", "--divert", str(count))
    ground.load.start("after", n)
    settle(ground, found)
    found.equal("dead letters in the end", dead_letters(ground) - copies, count)
