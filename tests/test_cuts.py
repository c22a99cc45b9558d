"""A thousand cuts at random moments, over the three transports and under load: no gap, no duplicate, exact counts.

Every viewer is cut again and again, stays away between 0.1 and 60 s (drawn so that long absences are rare), and comes
back with its cursor, each time over the next transport. In the end each shows what Redis holds, and of every log line
it either showed it once or was told that it is missing.
"""

import asyncio
import json
import math
import random
import time

import pytest
import redis

from tests.live import session_of
from tests.servers import Stack, wait_until
from tests.viewers import TRANSPORTS, Live
from tests.webs import webs

CUTS, PAGES = 1_000, 60
SHORTEST_S, LONGEST_S, ALL_S = 0.1, 60.0, 110.0
LINES_S = 40
SEED = 20261124


@pytest.fixture(scope="module")
def session(stack: Stack) -> str:
    return session_of(stack)


@pytest.fixture
def producer(stack: Stack, settings):
    from realtime.producer import Producer

    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    producer = Producer("tests")
    yield producer
    producer.close()


class Steady:
    """A steady load: LINES_S log lines and half as many order events a second."""

    def __init__(self, producer) -> None:
        self.producer, self.sent, self.going = producer, 0, True
        self.mark = f"cut-{time.time_ns()}"

    async def run(self) -> None:
        while self.going:
            for _ in range(LINES_S // 4):
                line = {"service": "cuts", "level": "INFO", "message": f"{self.mark} {self.sent}"}
                self.producer.send("service-logs", str(self.sent), json.dumps(line).encode())
                if self.sent % 2 == 0:
                    id = f"{self.mark}-{self.sent % 60}"
                    event = {"orderId": id, "status": "Packed", "note": str(self.sent)}
                    self.producer.send("order-updates", id, json.dumps(event).encode())
                self.sent += 1
            await asyncio.sleep(0.25)
        await asyncio.to_thread(self.producer.flush)


def away_s(rng: random.Random) -> float:
    """Log-uniform from SHORTEST_S to LONGEST_S, and mostly short: one in eight is drawn from the whole range."""
    longest = LONGEST_S if rng.random() < 0.125 else 3.0
    return math.exp(rng.uniform(math.log(SHORTEST_S), math.log(longest)))


class Cutter:
    """Cuts one page again and again until the time is over; its last absence ends with it."""

    def __init__(self, page: Live, rng: random.Random, end: float) -> None:
        self.page, self.rng, self.end = page, rng, end
        self.cuts = 0
        self.away: list[float] = []
        self.over: list[str] = []

    async def run(self) -> None:
        turn = self.rng.randrange(3)
        while time.monotonic() < self.end:
            await asyncio.sleep(self.rng.uniform(0.05, 4.0))
            await self.page.cut()
            self.over.append(self.page.transport)
            self.cuts += 1
            away = min(away_s(self.rng), max(SHORTEST_S, self.end - time.monotonic()))
            self.away.append(away)
            await asyncio.sleep(away)
            turn += 1
            self.page.connect(TRANSPORTS[turn % 3])


async def test_a_thousand_cuts_leave_no_gap_and_no_duplicate(stack, session, producer):
    rng = random.Random(SEED)
    env = {"VIEWERS_PER_USER": "2000", "CONNECTS_PER_MINUTE": "100000", "PUSH_INTERVAL_MS": "200"}
    with webs(stack, **env) as (web,), redis.Redis.from_url(stack.redis.url) as state:
        pages = [Live(web.base_url, "logs" if n % 2 else "orders", TRANSPORTS[n % 3], session) for n in range(PAGES)]
        for page in pages:
            page.connect()
        for page in pages:
            await page.until(lambda p: p.kept.cursor, 60)
        first, load = int(state.get("logs:number") or 0), Steady(producer)
        loading = asyncio.create_task(load.run())
        end = time.monotonic() + ALL_S
        cutters = [Cutter(page, random.Random(rng.random()), end) for page in pages]
        await asyncio.gather(*(cutter.run() for cutter in cutters))
        load.going = False
        await loading
        last = first + load.sent
        wait_until(lambda: int(state.get("logs:number")) == last, 60)
        await asyncio.gather(*(settled(page, load, last) for page in pages))
        cuts = sum(cutter.cuts for cutter in cutters)
        report(cutters, pages, load)
        assert cuts >= CUTS, f"only {cuts} cuts"
        assert [wrong for page in pages for wrong in page.kept.wrong] == []
        for page in pages:
            if page.view == "logs":
                assert page.kept.numbers_from is not None
                seen = sum(n > page.kept.numbers_from for n in page.kept.lines)
                assert seen + page.kept.missed + page.kept.hidden == last - page.kept.numbers_from
            else:
                held = {id: json.loads(state.get(f"order:{id}")) for id in page.kept.items if id.startswith(load.mark)}
                assert len(held) == 30
                assert {id: state["note"] for id, state in held.items()} == {
                    id: page.kept.items[id]["note"] for id in held
                }
        assert sum(page.kept.missed for page in pages) > 0, "no absence outlived the recent lines: nothing was counted"
        for page in pages:
            await page.cut()


async def settled(page: Live, load: Steady, last: int) -> None:
    """Until the page has come to the last line, or shows the last value of every order."""
    if page.view == "logs":
        await page.until(lambda p: p.kept.number == last, 60)
    else:
        notes = {str(n) for n in range(load.sent - 60, load.sent) if n % 2 == 0}
        await page.until(
            lambda p: notes == {i.get("note") for id, i in p.kept.items.items() if id.startswith(load.mark)}, 60
        )


def report(cutters: list[Cutter], pages: list[Live], load: Steady) -> None:
    away = sorted(second for cutter in cutters for second in cutter.away)
    by = {name: sum(cutter.over.count(name) for cutter in cutters) for name in TRANSPORTS}
    snapshots = sum(frame["type"] == "snapshot" for page in pages for frame in page.kept.frames)
    print(
        f"{len(away)} cuts of {away[0]:.1f} to {away[-1]:.1f} s (median {away[len(away) // 2]:.1f} s) over {by}; "
        f"{load.sent} lines, {sum(page.kept.missed for page in pages)} told as missed, "
        f"{sum(page.kept.hidden for page in pages)} as hidden, {snapshots} snapshots for {len(pages)} pages"
    )
