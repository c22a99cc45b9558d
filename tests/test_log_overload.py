"""More lines than anybody can read: a page is sent some of them and told of all, on real processes."""

import json
from collections import Counter

import pytest

from realtime.producer import Producer
from tests.viewers import TRANSPORTS, Live
from tests.webs import webs

LIMIT, BURST, ERRORS = 80, 900, 6
"""Lines a second, lines of a burst (fewer than Redis keeps), and how many of them are errors. Those of three bursts are
fewer than a quarter of the limit, so that there is room for all of them in any second."""


class Flood:
    """Bursts of lines of one service, some of them errors."""

    def __init__(self, producer: Producer, service: str) -> None:
        self.producer, self.service = producer, service
        self.sent: Counter[str] = Counter()
        self.errors: set[str] = set()

    @property
    def lines(self) -> int:
        return self.sent.total()

    def burst(self, lines: int = BURST) -> None:
        """Returns once Kafka has them."""
        for n in range(lines):
            level = "ERROR" if n % (lines // ERRORS) == 7 else ("WARN", "INFO", "DEBUG")[n % 3]
            message = f"{self.service} {self.lines}"
            line = {"service": self.service, "level": level, "message": message}
            self.producer.send("service-logs", None, json.dumps(line).encode())  # to all partitions
            self.sent[level] += 1
            if level == "ERROR":
                self.errors.add(message)
        self.producer.flush()


def levels(page: Live, service: str) -> dict[str, int]:
    """The chart's sums."""
    sums: Counter[str] = Counter()
    for (_, name, level), n in page.kept.totals.items():
        if name == service:
            sums[level] += n
    return sums


def by_second(page: Live) -> Counter[int]:
    """Lines of deltas, by the second of the server's clock in which they were sent."""
    sent: Counter[int] = Counter()
    for frame in page.kept.frames:
        if frame["type"] == "delta":
            sent[frame["now"] // 1000] += len(frame.get("lines", ()))
    return sent


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_page_is_sent_so_many_lines_a_second_all_errors_and_exact_counts(stack, session, producer, transport):
    flood = Flood(producer, f"flood-{transport}")
    with webs(stack, LOGS_PER_SECOND=str(LIMIT)) as (web,):
        async with Live(web.base_url, f"logs?services={flood.service}", transport, session) as page:
            await page.until(lambda p: p.kept.cursor)
            for _ in range(3):
                flood.burst()
                await page.until(lambda p: levels(p, flood.service) == flood.sent, 60)
                await page.until(lambda p: len(p.kept.lines) + p.kept.hidden == flood.lines)
    assert max(by_second(page).values()) <= LIMIT
    assert page.kept.hidden > 0
    assert flood.errors <= set(page.kept.lines.values())
    assert page.kept.missed == 0
    assert page.kept.wrong == []


async def test_the_chart_is_the_number_of_lines_produced_after_cuts_a_killed_worker_and_overload(
    stack, session, producer
):
    flood = Flood(producer, "chart")
    with webs(stack, LOGS_PER_SECOND=str(LIMIT)) as (web,):
        async with Live(web.base_url, f"logs?services={flood.service}", "ws", session) as page:
            await page.until(lambda p: p.kept.cursor)
            flood.burst()
            await page.cut()
            stack.kill("live")
            flood.burst(3_000)  # more than Redis keeps
            page.connect("sse")
            stack.restart("live")
            await page.until(lambda p: p.kept.counted(flood.service) > BURST, 60)  # in the midst of it
            await page.cut()
            flood.burst()
            page.connect("ws")
            await page.until(lambda p: levels(p, flood.service) == flood.sent, 60)
            assert sum(levels(page, flood.service).values()) == flood.lines
            await page.until(lambda p: p.kept.number > 0 and told_of(p) >= flood.lines)
    assert page.kept.wrong == []
    assert page.kept.hidden > 0
    async with Live(stack.base_url, f"logs?services={flood.service}", "ws", session) as other:
        await other.until(lambda p: levels(p, flood.service) == flood.sent)


def told_of(page: Live) -> int:
    """Lines that the page shows, or was told of as hidden or missed (of any service)."""
    return len(page.kept.lines) + page.kept.hidden + page.kept.missed
