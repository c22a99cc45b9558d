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

from tests.servers import wait_until
from tests.viewers import TRANSPORTS, Live
from tests.webs import webs

CUTS, PAGES = 1_000, 60
SHORTEST_S, LONGEST_S, ALL_S = 0.1, 60.0, 110.0
LINES_S = 40
SEED = 20261124
RECENT = 1_000
"""LOGS_RECENT, by default: how many lines Redis keeps."""


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


@pytest.mark.slow
async def test_a_thousand_cuts_leave_no_gap_and_no_duplicate(stack, session, producer):
    rng = random.Random(SEED)
    env = {"VIEWERS_PER_USER": "2000", "CONNECTS_PER_MINUTE": "100000", "PUSH_INTERVAL_MS": "200"}
    with webs(stack, **env) as (web,), redis.Redis.from_url(stack.redis.url) as state:
        pages = [Live(web.base_url, "logs" if n % 2 else "orders", TRANSPORTS[n % 3], session) for n in range(PAGES)]
        for page in pages:
            page.connect()
        for page in pages:
            await page.until(lambda p: p.kept.numbers_from is not None, 60)
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
        assert sum(page.kept.snapshots for page in pages) == PAGES, "a cursor was not honoured"
        assert [wrong for page in pages for wrong in page.kept.wrong] == []
        for page in pages:
            if page.view == "logs":
                assert accounted(page) == last - page.kept.numbers_from
            else:
                held = {id: json.loads(state.get(f"order:{id}")) for id in page.kept.items if id.startswith(load.mark)}
                assert len(held) == 30
                assert {id: state["note"] for id, state in held.items()} == {
                    id: page.kept.items[id]["note"] for id in held
                }
        for page in pages:
            await page.cut()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_an_absence_outlived_is_told_to_the_exact_number(stack, session, producer, transport):
    with redis.Redis.from_url(stack.redis.url) as state:
        first = int(state.get("logs:number") or 0)
        async with Live(stack.base_url, "logs", transport, session) as page:
            await page.until(lambda p: p.kept.numbers_from is not None)
            await page.cut()
            for n in range(RECENT + 321):
                producer.send("service-logs", str(n), b'{"service":"absent","level":"INFO","message":"%d"}' % n)
            producer.flush()
            last = first + RECENT + 321
            wait_until(lambda: int(state.get("logs:number")) == last, 30)
            page.connect()
            await page.until(lambda p: p.kept.number == last)
            if transport != "poll":  # between two polls its viewer stayed, and gathered
                assert page.kept.missed == 321
            assert accounted(page) == last - page.kept.numbers_from


def accounted(page: Live) -> int:
    """The lines after its first snapshot that a page shows, or was told of as missing or hidden."""
    seen = sum(n > page.kept.numbers_from for n in page.kept.lines)
    return seen + page.kept.missed + page.kept.hidden


async def settled(page: Live, load: Steady, last: int) -> None:
    """Until the page has come to the last line, or shows the last value of every order."""
    if page.view == "logs":
        await page.until(lambda p: p.kept.number == last, 60)
        return
    want = {f"{load.mark}-{n % 60}": str(n) for n in range(load.sent - 60, load.sent) if n % 2 == 0}

    def shown(page: Live) -> dict[str, str]:
        return {id: item["note"] for id, item in page.kept.items.items() if id.startswith(load.mark)}

    try:
        await page.until(lambda p: shown(p) == want, 60)
    except AssertionError:
        wrong = {id: shown(page).get(id) for id, note in want.items() if shown(page).get(id) != note}
        story = [
            (f["type"], f.get("more"), f.get("cursor"), item["rev"], item["note"])
            for f in page.kept.frames
            for item in f.get("orders", ())
            if item["orderId"] in list(wrong)[:1]
        ]
        lost = f"{page.transport} shows {wrong} of {want}; the first of them was told {story[-8:]}"
        raise AssertionError(lost) from None


def report(cutters: list[Cutter], pages: list[Live], load: Steady) -> None:
    away = sorted(second for cutter in cutters for second in cutter.away)
    by = {name: sum(cutter.over.count(name) for cutter in cutters) for name in TRANSPORTS}
    snapshots = sum(page.kept.snapshots for page in pages)
    print(
        f"{len(away)} cuts of {away[0]:.1f} to {away[-1]:.1f} s (median {away[len(away) // 2]:.1f} s) over {by}; "
        f"{load.sent} lines, {sum(page.kept.missed for page in pages)} told as missed, "
        f"{sum(page.kept.hidden for page in pages)} as hidden, {snapshots} snapshots for {len(pages)} pages"
    )
